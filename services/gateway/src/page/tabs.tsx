import type { JobKind } from './api.js';

const TABS: readonly { kind: JobKind; words: string }[] = [
  { kind: 'foley', words: 'Foley' },
  { kind: 'sync', words: 'Sync' },
];

/** The address where a job of a kind is begun. */
export const startOf = (kind: JobKind) => (kind === 'foley' ? '#/' : `#/${kind}`);

/** What this server does. The arrows go from tab to tab, as everywhere. */
export function Tabs({ tab }: { tab: JobKind }) {
  const onKeyDown = (event: KeyboardEvent) => {
    const at = TABS.findIndex(({ kind }) => kind === tab);
    const last = TABS.length - 1;
    const to = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
      ' ': at,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { kind } = TABS[to]!;
    location.hash = startOf(kind);
    document.getElementById(`tab-${kind}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="What to do" onKeyDown={onKeyDown}>
      {TABS.map(({ kind, words }) => (
        <a
          key={kind}
          id={`tab-${kind}`}
          role="tab"
          href={startOf(kind)}
          aria-selected={kind === tab}
          aria-controls="panel"
          tabIndex={kind === tab ? 0 : -1}
        >
          {words}
        </a>
      ))}
    </div>
  );
}

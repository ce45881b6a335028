import { useEffect, useRef } from 'preact/hooks';

const KEYS: [what: string, keys: string[]][] = [
  ['Hit before, hit after', ['←', '→']],
  ['First, last', ['Home', 'End']],
  ['Move by a frame', ['Alt ←', 'Alt →', 'or , .']],
  ['Move by a millisecond', ['Shift Alt ←', 'Shift Alt →', 'or < >']],
  ['Stronger, softer by 5 %', ['↑', '↓']],
  ['Stronger, softer by 1 %', ['Shift ↑', 'Shift ↓']],
  ['Pan left, right', ['[', ']']],
  ['Choose its sound', ['Enter']],
  ['Listen to it', ['l']],
  ['Mute', ['m']],
  ['Delete', ['Delete']],
  ['Add at the playhead', ['a']],
  ['Select more', ['Shift ←', 'Shift →', 'Ctrl Space']],
  ['Select all of its class, all', ['c', 'Ctrl A']],
  ['Undo, redo', ['Ctrl Z', 'Ctrl Shift Z']],
  ['Play, pause', ['Space']],
  ['Zoom in, out, fit', ['+', '−', '0']],
  ['Candidate', ['1 … 8']],
];

/** All keys of the timeline. */
export function EditorHelp({ shown, onClose }: { shown: boolean; onClose(): void }) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    if (shown) panel.current?.focus();
  }, [shown]);
  if (!shown) return null;
  return (
    <section
      class="editor-help"
      id="editor-help"
      aria-label="Keys of the timeline"
      tabIndex={-1}
      ref={panel}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <dl>
        {KEYS.map(([what, keys]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (key.startsWith('or ') ? <span key={key}>{key}</span> : <kbd key={key}>{key}</kbd>))}
            </dd>
          </div>
        ))}
      </dl>
      <p>
        With the mouse: drag a hit sideways for its time, up and down for its strength, finer with Shift or Alt;
        double-click a lane to add; Ctrl and the wheel zoom. On a layer the same keys act on the points of its envelope.
      </p>
      <button class="button button-small" type="button" onClick={onClose}>
        Close
      </button>
    </section>
  );
}

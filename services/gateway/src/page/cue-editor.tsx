import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { fitted, zoomed, type TimeScale } from '../editing/time-scale.js';
import type { JobJson } from './api.js';
import { CueTimeline } from './cue-timeline.js';
import type { Editing } from './editing.js';
import { EditorBar } from './editor-bar.js';
import { EditorHelp } from './editor-help.js';
import { pressKey, pressUndo, type KeyTargets } from './editor-keys.js';
import { Inspector } from './inspector.js';
import type { Playhead } from './playhead.js';
import { SheetDrop } from './sheet-drop.js';
import type { AuditionControls } from './use-audition.js';
import type { CueEditorHandle } from './use-cue-editor.js';
import { useFrameLength } from './use-frame-length.js';
import { usePalette } from './use-palette.js';
import { useStore } from './use-store.js';

interface CueEditorProps {
  job: JobJson;
  candidate: number;
  handle: CueEditorHandle | string | undefined;
  media: HTMLVideoElement | undefined;
  playhead: Playhead;
  audition: AuditionControls;
  /** The sheet itself is heard, not what was rendered of it. */
  previewing: boolean;
  onSeek(timeS: number): void;
  onToggle(): void;
  /** The sheet sounds different from what was rendered. */
  onEdited(): void;
  onAsRendered(): void;
  onJob(jobId: string): void;
}

/** The cue sheet of a candidate under a person's hands. */
export function CueEditor(props: CueEditorProps) {
  const { handle } = props;
  if (handle === undefined) return <p class="editor-note">Loading the cue sheet…</p>;
  if (typeof handle === 'string') return <p class="editor-note">The cue sheet can’t be edited: {handle}</p>;
  return <SheetEditor {...props} handle={handle} />;
}

const FIGURES_MS = 100;

function SheetEditor({
  handle,
  job,
  candidate,
  media,
  playhead,
  audition,
  previewing,
  ...on
}: CueEditorProps & { handle: CueEditorHandle }) {
  const { store } = handle;
  const state = useStore(store);
  const { durationS } = state.history.present.video;
  const palette = usePalette(store);
  const frameS = useFrameLength(media);
  const [scale, setScale] = useState<TimeScale>(() => fitted(durationS, 800));
  const [help, setHelp] = useState(false);
  const root = useRef<HTMLElement>(null);
  const player = useRef(media);
  player.current = media;

  // What is soloed is heard only where this page plays the sheet itself.
  const previewed = state.dirty || state.solo.size > 0;
  useEffect(() => (previewed ? on.onEdited() : on.onAsRendered()), [previewed, store]);

  // What has really sounded stands beside what is seen, for tests and for whoever wonders.
  useEffect(() => {
    const timer = setInterval(() => {
      const { started = 0, single = 0, peak = 0 } = audition.figures() ?? {};
      if (root.current) Object.assign(root.current.dataset, { started, single, peak: peak.toFixed(4) });
    }, FIGURES_MS);
    return () => clearInterval(timer);
  }, [audition]);

  const editing = useMemo<Editing>(() => {
    const playing = () => player.current !== undefined && !player.current.paused;
    const listen = () => {
      const { history, selection } = store.state();
      const { hits, layers } = history.present;
      const cue =
        selection.kind === 'hits'
          ? hits.find(({ id }) => id === selection.focusId)
          : selection.kind === 'layer'
            ? layers.find(({ id }) => id === selection.id)
            : undefined;
      if (cue) audition.playOnce(cue);
    };
    return {
      store,
      durationS,
      palette,
      audition,
      playhead,
      listen,
      seek: (timeS) => playing() || on.onSeek(timeS),
      act(edit, how) {
        const before = store.state().history.present;
        store.apply(edit, how);
        const isHeard = edit.kind === 'move-hits' || edit.kind === 'strengthen-hits' || edit.kind === 'change-hits';
        if (!isHeard || store.state().history.present === before) return;
        if (edit.kind === 'change-hits' && edit.change.muted === true) return;
        if (playing()) return;
        const { history, selection } = store.state();
        const focused = history.present.hits.find(({ id }) => selection.kind === 'hits' && id === selection.focusId);
        // The picture goes along with what is moved.
        if (edit.kind === 'move-hits' && focused) on.onSeek(focused.timeS);
        listen();
      },
      addHit(timeS, classId) {
        const { history, selection } = store.state();
        const { hits } = history.present;
        const like =
          (classId === undefined
            ? selection.kind === 'hits' && hits.find(({ id }) => id === selection.focusId)
            : hits.find((hit) => hit.class === classId)) || hits.at(-1);
        const struck = classId ?? like?.class ?? palette.find(({ kind }) => kind === 'struck')?.id;
        if (struck === undefined) return store.say('The list of sounds isn’t here yet: try again in a moment.');
        store.apply({ kind: 'add-hit', timeS, class: struck, strength: 0.7, pan: like?.pan ?? 0 }, { focus: true });
        if (!playing()) listen();
      },
    };
  }, [store, durationS, palette, audition, playhead, on.onSeek]);

  const keys: KeyTargets = {
    ...editing,
    frameS,
    atS: playhead.at,
    toggle: on.onToggle,
    zoom: (factor) => setScale((s) => zoomed(s, factor, playhead.at() * s.pxPerS - s.scrollPx)),
    fit: () => setScale((s) => fitted(s.durationS, s.viewPx)),
    help: () => setHelp((shown) => !shown),
    chooseSound: () => root.current?.querySelector<HTMLElement>('.sound-picker [role=combobox]')?.focus(),
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const inField = target.matches('input:not([type=range]):not([type=radio]), select, textarea');
    const inTimeline = target.closest('.cue-timeline') !== null && !target.matches('button, input');
    if (inField ? false : pressUndo(event, keys) || (inTimeline && pressKey(event, keys))) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  return (
    <section class="editor" aria-label="Cue sheet" ref={root} onKeyDown={onKeyDown}>
      <SheetDrop editing={editing}>
        <EditorBar
          editing={editing}
          job={job}
          candidate={candidate}
          handle={handle}
          previewing={previewing}
          scale={scale}
          help={help}
          onScale={setScale}
          onHelp={keys.help}
          onJob={on.onJob}
        />
        <EditorHelp shown={help} onClose={() => setHelp(false)} />
        <CueTimeline
          editing={editing}
          state={state}
          candidate={job.result!.candidates[candidate]!}
          scale={scale}
          onScale={setScale}
          media={media}
        />
        <Inspector editing={editing} state={state} />
      </SheetDrop>
      <p class="visually-hidden" role="status" aria-live="polite" data-said>
        {state.said}
      </p>
    </section>
  );
}

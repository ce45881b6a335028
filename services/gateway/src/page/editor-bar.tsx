import { writeCues } from '@soundstage/cues';
import { useState } from 'preact/hooks';
import { fitted, isFitted, zoomed, type TimeScale } from '../editing/time-scale.js';
import { renderCues, wishOf, type ApiError, type JobJson } from './api.js';
import type { Editing } from './editing.js';
import { Problems } from './problems.js';
import { SheetFiles } from './sheet-files.js';
import type { CueEditorHandle } from './use-cue-editor.js';
import { useStore } from './use-store.js';

interface EditorBarProps {
  editing: Editing;
  job: JobJson;
  candidate: number;
  handle: CueEditorHandle;
  previewing: boolean;
  scale: TimeScale;
  help: boolean;
  onScale(change: (scale: TimeScale) => TimeScale): void;
  onHelp(): void;
  onJob(jobId: string): void;
}

const STEP = 1.6;

/** Above the timeline: how the sheet stands, and what is done with it as a whole. */
export function EditorBar({
  editing,
  job,
  candidate,
  handle,
  previewing,
  scale,
  help,
  onScale,
  onHelp,
  onJob,
}: EditorBarProps) {
  const { store, playhead, palette } = editing;
  const { history, dirty } = useStore(store);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<ApiError>();
  const rendered = job.result!.candidates[candidate]!.video !== undefined;

  async function render() {
    setSending(true);
    setProblem(undefined);
    try {
      const { keepOriginal, quality, stillDurationS } = wishOf(job);
      const made = await renderCues(job.id, writeCues(history.present), { keepOriginal, quality, stillDurationS });
      handle.markSent();
      onJob(made.id);
    } catch (error) {
      setProblem(error as ApiError);
      setSending(false);
    }
  }

  const zoom = (factor: number) => onScale((s) => zoomed(s, factor, playhead.at() * s.pxPerS - s.scrollPx));
  return (
    <>
      <div class="editor-bar">
        <p class={`editor-state ${dirty ? 'is-edited' : ''}`} role="status">
          {stateWords({ dirty, rendered, previewing })}
        </p>
        <div class="editor-tools" role="group" aria-label="Edit">
          <Tool label="Undo" keys="Control+Z" off={history.past.length === 0} onClick={store.undo} />
          <Tool label="Redo" keys="Control+Shift+Z" off={history.future.length === 0} onClick={store.redo} />
          <Tool label="Add a hit" onClick={() => editing.addHit(playhead.at())} />
          <Tool
            label="Add a layer"
            off={palette.length === 0}
            onClick={() => {
              const goingOn = palette.filter(({ kind }) => kind === 'continuous');
              const going = goingOn.find(({ group }) => group === 'ambience') ?? goingOn[0];
              if (going) store.apply({ kind: 'add-layer', class: going.id });
            }}
          />
        </div>
        <div class="editor-tools" role="group" aria-label="Zoom">
          <Tool label="Zoom out" text="−" off={isFitted(scale)} onClick={() => zoom(1 / STEP)} />
          <Tool label="Zoom in" text="+" onClick={() => zoom(STEP)} />
          <Tool label="Fit" off={isFitted(scale)} onClick={() => onScale((s) => fitted(s.durationS, s.viewPx))} />
        </div>
        <SheetFiles editing={editing} name={job.request?.fileName ?? ''} />
        <button class="tool" type="button" aria-expanded={help} aria-controls="editor-help" onClick={onHelp}>
          Keys
        </button>
        <button
          class="button button-main button-small editor-render"
          type="button"
          disabled={sending || (!dirty && rendered) || !job.links.source}
          onClick={() => void render()}
        >
          {sending ? 'Sending…' : rendered ? 'Render again' : 'Render'}
        </button>
      </div>
      {problem && <Problems message={problem.message} violations={problem.violations} />}
    </>
  );
}

function stateWords(is: { dirty: boolean; rendered: boolean; previewing: boolean }): string {
  if (is.dirty) return is.previewing ? 'Edited, playing a preview' : 'Edited, not rendered yet';
  if (!is.rendered) return 'Not rendered yet';
  return is.previewing ? 'As rendered, playing a preview' : 'As rendered';
}

interface ToolProps {
  label: string;
  text?: string;
  keys?: string;
  off?: boolean;
  onClick(): void;
}

function Tool({ label, text, keys, off = false, onClick }: ToolProps) {
  return (
    <button
      class="tool"
      type="button"
      aria-label={text ? label : undefined}
      aria-keyshortcuts={keys}
      title={keys ? `${label} (${keys.replaceAll('+', ' ').replace('Control', 'Ctrl')})` : label}
      // Still there for the keyboard, which would lose its place otherwise.
      aria-disabled={off}
      onClick={() => off || onClick()}
    >
      {text ?? label}
    </button>
  );
}

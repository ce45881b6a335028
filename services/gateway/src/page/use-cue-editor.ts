import { readCues } from '@soundstage/cues';
import { useEffect, useRef, useState } from 'preact/hooks';
import { createEditorStore, type EditorStore } from '../editing/editor-store.js';
import { getCues, type JobJson } from './api.js';
import { loadEdits, storeEdits } from './stored-edits.js';

/** Typing and dragging are stored when they rest. */
const STORE_AFTER_MS = 300;

export interface CueEditorHandle {
  store: EditorStore;
  /** The edits are on their way to be rendered: leaving loses nothing. */
  markSent(): void;
  /** Nothing is asked any more when the page is left. */
  close(): void;
}

/**
 * The cue sheet of one candidate, with the edits that this browser remembers of it. Each candidate has its own.
 *
 * @returns undefined while it loads, or a sentence where it can't be edited
 */
export function useCueEditor(job: JobJson, candidate: number): CueEditorHandle | string | undefined {
  const [handles, setHandles] = useState<Record<number, CueEditorHandle | string>>({});
  const link = job.result?.candidates[candidate]?.links.cues;
  const known = handles[candidate];
  const opened = useRef(handles);
  opened.current = handles;
  useEffect(
    () => () => {
      for (const handle of Object.values(opened.current)) if (typeof handle === 'object') handle.close();
    },
    [],
  );

  useEffect(() => {
    if (known !== undefined || !link) return undefined;
    const abort = new AbortController();
    const done = (handle: CueEditorHandle | string) => setHandles((all) => ({ ...all, [candidate]: handle }));
    getCues(link, abort.signal).then(
      (text) => {
        const stored = loadEdits(job.id, candidate);
        const store = createEditorStore(readCues(text), stored?.sheet);
        done(remembering(store, job.id, candidate, stored?.sent ?? false));
      },
      (error: Error) => abort.signal.aborted || done(error.message),
    );
    return () => abort.abort();
  }, [link, candidate, known === undefined]);
  return known;
}

function remembering(store: EditorStore, jobId: string, candidate: number, wasSent: boolean): CueEditorHandle {
  let sentSheet = wasSent ? store.state().history.present : undefined;
  let stored = store.state().history.present;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const unsent = () => store.state().dirty && store.state().history.present !== sentSheet;
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    const { history, dirty } = store.state();
    const kept = storeEdits(jobId, candidate, dirty ? { sheet: history.present, sent: !unsent() } : undefined);
    if (!kept) store.say('This browser has no room to remember the edits: download the cue sheet before you leave.');
  };
  store.subscribe(() => {
    const { present } = store.state().history;
    if (present === stored) return;
    stored = present;
    clearTimeout(timer);
    timer = setTimeout(write, STORE_AFTER_MS);
  });
  const closed = new AbortController();
  addEventListener('pagehide', () => timer && write(), { signal: closed.signal });
  addEventListener(
    'beforeunload',
    (event) => {
      if (timer) write();
      // Remembered here, but perhaps not wished to be left: the browser asks.
      if (unsent()) event.preventDefault();
    },
    { signal: closed.signal },
  );
  return {
    store,
    markSent() {
      sentSheet = store.state().history.present;
      write();
    },
    close() {
      if (timer) write();
      closed.abort();
    },
  };
}

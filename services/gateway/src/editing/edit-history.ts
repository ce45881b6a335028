import type { CueSheet } from '@soundstage/cues';
import { applyEdit, type CueEdit } from './cue-edits.js';

/** A sheet with what came before it and what was taken back. */
export interface EditHistory {
  past: readonly CueSheet[];
  present: CueSheet;
  future: readonly CueSheet[];
  /** The gesture that made the present; more of it makes no further step. */
  gesture?: string | undefined;
}

const MOST_STEPS = 300;

export function startHistory(sheet: CueSheet): EditHistory {
  return { past: [], present: sheet, future: [] };
}

/**
 * The history after an edit. Edits of one gesture (a drag, a held key) are one step of undo.
 *
 * @param fromStart the edit is told from where the gesture began, as a drag tells how far it is in all
 */
export function edited(
  history: EditHistory,
  edit: CueEdit,
  { gesture, fromStart = false }: { gesture?: string | undefined; fromStart?: boolean } = {},
): EditHistory {
  const { past, present } = history;
  const goesOn = gesture !== undefined && gesture === history.gesture && past.length > 0;
  const next = applyEdit(goesOn && fromStart ? past.at(-1)! : present, edit);
  if (next === present) return history;
  return {
    past: goesOn ? past : [...past, present].slice(-MOST_STEPS),
    present: next,
    future: [],
    gesture,
  };
}

/** One step back; the same history where there is none. */
export function undone(history: EditHistory): EditHistory {
  const before = history.past.at(-1);
  if (!before) return history;
  return { past: history.past.slice(0, -1), present: before, future: [history.present, ...history.future] };
}

/** One step forward again. */
export function redone(history: EditHistory): EditHistory {
  const [after, ...future] = history.future;
  if (!after) return history;
  return { past: [...history.past, history.present], present: after, future };
}

/** The gesture has ended: the next edit is a step of its own. */
export function settled(history: EditHistory): EditHistory {
  return history.gesture === undefined ? history : { ...history, gesture: undefined };
}

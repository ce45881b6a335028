import type { ClipView } from '../report/clip-view.js';
import type { BatchInput } from './find-inputs.js';

/** How an input ended: made, wrong input, there already, or not possible now. */
export type BatchState = 'done' | 'refused' | 'skipped' | 'failed';

/** The end of one input of a batch. */
export interface BatchEntry {
  input: BatchInput;
  state: BatchState;
  /** Why it was refused, skipped or failed, in a sentence. */
  reason?: string | undefined;
  /** What this run spent on it. */
  tookS: number;
  /** Known for what is done, and for what was done before. Its drawings are kept in the record alone, see lightened(). */
  clip?: ClipView | undefined;
}

/** The entry without what only the report draws, so that thousands of them can be kept. */
export function lightened(entry: BatchEntry): BatchEntry {
  if (entry.clip === undefined) return entry;
  const takes = entry.clip.takes.map((take) => ({ ...take, drawnHits: [], drawnLayers: [], peaks: [] }));
  return { ...entry, clip: { ...entry.clip, stills: [], takes } };
}

import type { BatchInput } from './find-inputs.js';

/** How an input ended: made, wrong input, there already, or not possible now. */
export type BatchState = 'done' | 'refused' | 'skipped' | 'failed';

/** The end of one input of a batch. */
export interface BatchEntry<Clip> {
  input: BatchInput;
  state: BatchState;
  /** Why it was refused, skipped or failed, in a sentence. */
  reason?: string | undefined;
  /** What this run spent on it. */
  tookS: number;
  /**
   * What the job knows of its result, for what is done and for what was done before. What only the report draws is kept
   * in the record alone, see BatchJob.lightened().
   */
  clip?: Clip | undefined;
}

/** What is said of an input whose results are there. */
export const THERE = 'there already';

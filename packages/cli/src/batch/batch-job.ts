import type { MediaInfo } from '@soundstage/media';
import type { BatchEntry } from './entry.js';
import type { BatchInput, Wanted } from './find-inputs.js';
import type { BatchTarget } from './places.js';

/**
 * A job of Soundstage as a batch does it, file by file. `Clip` is what is kept of one input's result, in its record and
 * for the report: plain JSON.
 */
export interface BatchJob<Clip> {
  /** `foley`. */
  name: string;
  /** Which files it takes, and which are its results. */
  wanted: Wanted;
  /** The file that figures() goes to, `foley.csv`. */
  csvName: string;
  /** The folder of its records below that of the batch: two jobs may write to one place. */
  recordsName: string;
  /** Opens what does the work, once for all inputs. */
  open(): Promise<BatchWorker<Clip>>;
  /** The clip without what only the report draws, so that thousands of them can be kept. */
  lightened(clip: Clip): Clip;
  /** Seconds of film. */
  durationS(clip: Clip): number;
  /** What is told of a result in a line, before how long it took. */
  headline?(clip: Clip): string;
  /** One line of JSON; `made`: what there is to tell of a result that was made just now. */
  line(entry: BatchEntry<Clip>, made: object | undefined): object;
  /** What the summary tells besides the counts: lines for people, fields for programs. */
  totals?(entries: readonly BatchEntry<Clip>[]): { lines: string[]; fields: Record<string, unknown> };
  /** All entries as CSV. */
  figures(entries: readonly BatchEntry<Clip>[]): string;
  /** The page to look through all results. */
  page(content: ReportContent<Clip>): AsyncIterable<string>;
}

export interface ReportContent<Clip> {
  /** The folder, or the address, that the page lies in. */
  outputFolder: string;
  entries: readonly BatchEntry<Clip>[];
  /** Inputs of the whole batch; more than entries where it was stopped. */
  total: number;
  /** The entry with all that is drawn. */
  whole: (entry: BatchEntry<Clip>) => Promise<BatchEntry<Clip>>;
}

/** What does the work of a batch. */
export interface BatchWorker<Clip> {
  /** Changes whenever the same input could give another result. */
  settings: string;
  /** Refuses what is wrong for all inputs. @throws BAD_INPUT, NOT_FOUND */
  check(): Promise<void>;
  /**
   * What is to be done with an input that is a file of this machine now.
   *
   * @throws BAD_INPUT where it can't be taken
   */
  plan(input: BatchInput, file: { path: string; info: MediaInfo }, target: BatchTarget): BatchPlan<Clip>;
  close(): Promise<void>;
}

/** What is going to be done with one input. */
export interface BatchPlan<Clip> {
  /** All that may be written, by paths below the target, with `/` between their parts. */
  files: string[];
  /** What is known of results that are there and that no record tells of: hardly more than where they lie. */
  unknown(existing: readonly string[]): Clip | undefined;
  /** @throws SoundstageError where nothing was made */
  make(work: { signal: AbortSignal; onProgress: (step: string, fraction: number) => void }): Promise<BatchMade<Clip>>;
}

export interface BatchMade<Clip> {
  /** Those of the files of the plan that were written. */
  files: string[];
  /** Gathers what is kept of the result. tookS: what making it took. */
  clip(tookS: number): Promise<Clip>;
  /** The result for programs, with addresses as people find its files. */
  told: object;
}

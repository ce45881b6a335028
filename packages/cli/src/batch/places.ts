import type { BatchInput, FoundInputs, Wanted } from './find-inputs.js';

/** Where the inputs of a batch lie: a folder, or objects of a bucket. */
export interface BatchSource {
  /** What people call it. */
  address: string;
  /**
   * All files of it that a job takes, but for those of `target`.
   *
   * @throws BAD_INPUT where it can't be read
   */
  find(target: BatchTarget, wanted: Wanted): Promise<FoundInputs>;
  /** An input as a file of this machine, with its own name, until it is released. */
  take(input: BatchInput, signal: AbortSignal): Promise<{ path: string; release: () => Promise<void> }>;
}

/**
 * Where the results go. Files are named by their paths below it, with `/` between the parts; they are made in `folder`
 * and then kept.
 */
export interface BatchTarget {
  address: string;
  /** A folder of this machine, the same as the target or one for scratch. Absolute. */
  folder: string;
  /** Whether it is as good as free to write the same file again and again. */
  isNear: boolean;
  /** What people, and inputs that lie there, call a file. */
  addressOf(file: string): string;
  /** Whether what is written under a name is kept. Default: all is. */
  keeps?(file: string): boolean;
  /** Those of the files that exist. */
  there(files: readonly string[]): Promise<string[]>;
  /** Brings files that were made in `folder` to where they belong; those that exist are replaced. */
  keep(files: readonly string[], signal: AbortSignal): Promise<void>;
  /** Removes those of the files that are left in a folder for scratch. */
  clear(files: readonly string[]): Promise<void>;
  read(file: string): Promise<string | undefined>;
  /** Whole or not at all. */
  write(file: string, text: string | AsyncIterable<string>): Promise<void>;
  remove(file: string): Promise<void>;
  /**
   * Keeps other batches out, and removes what a killed one left half-written.
   *
   * @throws CONFLICT where another batch is at work; BAD_INPUT where nothing can be written
   */
  lock(inputs: readonly BatchInput[]): Promise<BatchLock>;
}

export interface BatchLock {
  /** Aborted when another batch has taken the target over. */
  lost?: AbortSignal;
  release(): Promise<void>;
}

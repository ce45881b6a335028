import type { Dtype, Tensor } from './tensor.js';

/** What to load; the first message to the worker process. */
export interface LoadMessage {
  kind: 'load';
  modelPath: string;
  executionProvider: 'cpu' | 'cuda';
  threads: number;
}

/** One run; the worker answers in the order of asking. */
export interface RunMessage {
  kind: 'run';
  id: number;
  inputs: Record<string, Tensor & { dtype: Dtype }>;
  /** Names of the outputs to hand back. */
  outputs: string[];
}

export type ToWorker = LoadMessage | RunMessage;

export type FromWorker =
  | { kind: 'loaded'; inputNames: string[]; outputNames: string[] }
  | { kind: 'load-failed'; message: string }
  | { kind: 'done'; id: number; outputs: Record<string, Tensor>; runS: number }
  | { kind: 'run-failed'; id: number; message: string };

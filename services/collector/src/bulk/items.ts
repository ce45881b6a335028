import type { ClipSource } from '../fetch-clip.js';
import type { Refusal } from '../refusal.js';

/** One entry of a list that is to be collected. */
export interface Item {
  /** As shown in the report: a path, an address, a key, `id from 30 s`. */
  name: string;
  label: string;
  /** What the clip was cut from; empty: its own hash. */
  sourceId: string;
  datasetSplit: string;
  /** Undefined where the entry itself is wrong. */
  source?: ClipSource;
  /** Why, then. */
  refusal?: Refusal;
  identity: string;
  host: string;
}

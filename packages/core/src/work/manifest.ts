import { canonicalJson, sha256 } from '../hash.js';
import type { JobKind } from './stage.js';

/**
 * Written last, as `work/<kind>/<key>/manifest.json`: the done marker, the cache key and the lineage in one. Whoever
 * finds it may use the result; whoever doesn't finds nothing that counts.
 */
export interface Manifest {
  kind: JobKind;
  key: string;
  codeVersion: string;
  spec: unknown;
  result: unknown;
  jobId: string;
  attempt: number;
  startedAt: string;
  finishedAt: string;
  stepSeconds: Record<string, number>;
}

/** The key of a piece of work: equal code, parameters and input hashes (which are part of the spec) give equal keys. */
export function workKey(kind: JobKind, codeVersion: string, spec: unknown): string {
  return sha256(canonicalJson({ kind, codeVersion, spec }));
}

import { SoundstageError } from '../errors.js';
import type { Logger } from '../telemetry/log.js';
import type { Caller } from './caller.js';

/** What somebody did, or tried to. */
export interface Deed {
  /** Nobody: it is not known who it was, or nobody asked. */
  caller: Caller | undefined;
  /** Address that it came from. */
  from: string;
  /** The method, or `log in`. */
  what: string;
  /** Id of the job, upload, run, model or dataset. */
  object?: string | undefined;
  /** What went wrong; a sentence of it is not written, since it may quote the caller's data. */
  error?: unknown;
}

export type Audit = (deed: Deed) => void;

/**
 * Writes one line of JSON for each deed, with `audit: true`. Where callers must show who they are, the lines come
 * whatever the level of the log is.
 */
export function createAudit(log: Logger | undefined, { always }: { always: boolean }): Audit {
  const audit = log?.child({ audit: true }, always ? { level: 'info' } : {});
  return ({ caller, from, what, object, error }) => {
    audit?.info(
      {
        who: caller?.name ?? 'unknown',
        ...(caller?.via ? { via: caller.via } : {}),
        ...(caller?.keyId ? { key_id: caller.keyId } : {}),
        what,
        ...(object ? { object } : {}),
        outcome: error === undefined ? 'OK' : SoundstageError.from(error).reason,
        from,
      },
      'audit',
    );
  };
}

/** What a call was about, by the names that requests and responses give it. */
export function objectOf(...messages: unknown[]): string | undefined {
  for (const message of messages) {
    if (typeof message !== 'object' || message === null) continue;
    const { job, upload, run, jobId, uploadId, runId, name } = message as Record<string, unknown>;
    for (const held of [job, upload, run]) {
      const id = (held as { id?: unknown } | undefined)?.id;
      if (typeof id === 'string' && id) return id;
    }
    for (const id of [jobId, uploadId, runId, name]) if (typeof id === 'string' && id) return id.slice(0, 100);
  }
  return undefined;
}

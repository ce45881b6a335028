import type { BatchJob } from './batch-job.js';
import type { BatchEntry } from './entry.js';
import type { BatchTarget } from './places.js';
import type { BatchRecords } from './record.js';

export const REPORT_NAME = 'report.html';

/** A report takes at most this share of a batch's time while the batch goes on. */
const MOST_TIME_SHARE = 0.05;

/** Nor is it written more often than this where that isn't free: a store takes one object once a second. */
const FAR_AWAY_MS = 15_000;

/** Keeps the report and the figures of a batch beside its results: whole at any time, and never far behind. */
export function reportKeeper<Clip>(batch: {
  job: BatchJob<Clip>;
  target: BatchTarget;
  records: BatchRecords<Clip>;
  entries: readonly BatchEntry<Clip>[];
  total: number;
}): {
  /** Writes what enough time has passed for since it was last written. */
  freshen: () => Promise<void>;
  write: () => Promise<void>;
} {
  const { job, target, records, entries, total } = batch;
  let writtenMs = -Infinity;
  let tookMs = 0;
  let writing = false;

  /** Drawings were left out of memory, see BatchJob.lightened(); they are in the record, unless it is of another result. */
  const whole = async (entry: BatchEntry<Clip>): Promise<BatchEntry<Clip>> => {
    if (entry.clip === undefined) return entry;
    const kept = (await records.read(entry.input.name))?.clip;
    if (kept === undefined) return entry;
    const isSame = JSON.stringify(job.lightened(kept)) === JSON.stringify(entry.clip);
    return isSame ? { ...entry, clip: kept } : entry;
  };
  const writeCsv = () => target.write(job.csvName, job.figures(entries));
  const write = async (): Promise<void> => {
    await writeCsv();
    const startMs = performance.now();
    await target.write(REPORT_NAME, job.page({ outputFolder: target.address, entries: [...entries], total, whole }));
    writtenMs = performance.now();
    tookMs = writtenMs - startMs;
  };
  return {
    write,
    async freshen() {
      // Inputs that end meanwhile come in with the next.
      if (writing) return;
      writing = true;
      try {
        const pauseMs = Math.max(tookMs / MOST_TIME_SHARE, target.isNear ? 0 : FAR_AWAY_MS);
        if (performance.now() - writtenMs >= pauseMs) await write();
        else if (target.isNear) await writeCsv();
      } finally {
        writing = false;
      }
    },
  };
}

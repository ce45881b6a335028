import { toCsv } from '../batch/csv.js';
import { lightened, type BatchEntry } from '../batch/entry.js';
import type { BatchTarget } from '../batch/places.js';
import { readRecord } from '../batch/record.js';
import { reportPage } from './page.js';

export const REPORT_NAME = 'report.html';
export const CSV_NAME = 'foley.csv';

/** A report takes at most this share of a batch's time while the batch goes on. */
const MOST_TIME_SHARE = 0.05;

/** Nor is it written more often than this where that isn't free: a store takes one object once a second. */
const FAR_AWAY_MS = 15_000;

/** Keeps the report and the figures of a batch beside its results: whole at any time, and never far behind. */
export function reportKeeper(batch: { target: BatchTarget; entries: readonly BatchEntry[]; total: number }): {
  /** Writes what enough time has passed for since it was last written. */
  freshen: () => Promise<void>;
  write: () => Promise<void>;
} {
  const { target, entries, total } = batch;
  let writtenMs = -Infinity;
  let tookMs = 0;
  const writeCsv = () => target.write(CSV_NAME, toCsv(entries));
  const writeReport = async (): Promise<void> => {
    const startMs = performance.now();
    const whole = (entry: BatchEntry) => withDrawings(entry, target);
    await target.write(REPORT_NAME, reportPage({ outputFolder: target.address, entries, total, whole }));
    writtenMs = performance.now();
    tookMs = writtenMs - startMs;
  };
  const write = async (): Promise<void> => {
    await writeCsv();
    await writeReport();
  };
  return {
    write,
    async freshen() {
      const pauseMs = Math.max(tookMs / MOST_TIME_SHARE, target.isNear ? 0 : FAR_AWAY_MS);
      if (performance.now() - writtenMs >= pauseMs) await write();
      else if (target.isNear) await writeCsv();
    },
  };
}

/** The drawings of an entry were left out of memory, see lightened(); they are in its record. */
async function withDrawings(entry: BatchEntry, target: BatchTarget): Promise<BatchEntry> {
  if (entry.clip === undefined) return entry;
  const record = await readRecord(target, entry.input.name);
  if (record?.clip === undefined) return lightened(entry);
  const known = record.clip.takes.every((take, index) => take.video === entry.clip?.takes[index]?.video);
  return known ? { ...entry, clip: record.clip } : entry;
}

import { join } from 'node:path';
import { lightened, type BatchEntry } from '../batch/entry.js';
import { readRecord } from '../batch/record.js';
import { writeWhole } from '../write-whole.js';
import { reportPage } from './page.js';

export const REPORT_NAME = 'report.html';

/** A report takes at most this share of a batch's time while the batch goes on. */
const MOST_TIME_SHARE = 0.05;

/** Keeps the report of a batch beside its results: whole at any time, and never far behind. */
export function reportKeeper(batch: { outputFolder: string; entries: readonly BatchEntry[]; total: number }): {
  /** Writes it where enough time has passed since it was last written. */
  freshen: () => Promise<void>;
  write: () => Promise<void>;
} {
  let writtenMs = -Infinity;
  let tookMs = 0;
  const write = async (): Promise<void> => {
    const startMs = performance.now();
    const whole = (entry: BatchEntry) => withDrawings(entry, batch.outputFolder);
    await writeWhole(join(batch.outputFolder, REPORT_NAME), reportPage({ ...batch, whole }));
    writtenMs = performance.now();
    tookMs = writtenMs - startMs;
  };
  return {
    write,
    async freshen() {
      if (performance.now() - writtenMs >= tookMs / MOST_TIME_SHARE) await write();
    },
  };
}

/** The drawings of an entry were left out of memory, see lightened(); they are in its record. */
async function withDrawings(entry: BatchEntry, outputFolder: string): Promise<BatchEntry> {
  if (entry.clip === undefined) return entry;
  const record = await readRecord(outputFolder, entry.input.name);
  if (record?.clip === undefined) return lightened(entry);
  const known = record.clip.takes.every((take, index) => take.video === entry.clip?.takes[index]?.video);
  return known ? { ...entry, clip: record.clip } : entry;
}

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../write-whole.js';
import type { StepOutcome } from './step.js';

/** What is kept of a step that was done whole. */
export interface StepRecord<T = unknown> extends StepOutcome<T> {
  seconds: number;
  endedAt: string;
}

/**
 * Where a pipeline keeps which steps it has done: `pipelines/<name>/steps/<key>.json` below SOUNDSTAGE_HOME. A record is
 * written when its step is done whole, so what is found counts. Without one the services are asked again, which keep
 * their own results: no work is lost with a record.
 */
export interface StepRecords {
  read<T>(key: string): Promise<StepRecord<T> | undefined>;
  write(key: string, record: StepRecord): Promise<void>;
  /** Notes something before work begins, once: a later run finds the same. @returns what was noted first */
  once(key: string, what: string, value: () => Promise<string>): Promise<string>;
}

export function createStepRecords(home: string, pipeline: string): StepRecords {
  const folder = join(home, 'pipelines', pipeline, 'steps');
  const put = async (name: string, text: string) => {
    await mkdir(folder, { recursive: true });
    await writeWhole(join(folder, name), text);
  };
  return {
    async read<T>(key: string) {
      const text = await readFile(join(folder, `${key}.json`), 'utf8').catch(() => undefined);
      try {
        return text === undefined ? undefined : (JSON.parse(text) as StepRecord<T>);
      } catch {
        return undefined; // damaged: as if it weren't there
      }
    },
    write: (key, record) => put(`${key}.json`, `${JSON.stringify(record)}\n`),
    async once(key, what, value) {
      const name = `${key}.${what}`;
      const noted = await readFile(join(folder, name), 'utf8').catch(() => undefined);
      if (noted !== undefined) return noted;
      const now = await value();
      await put(name, now);
      return now;
    },
  };
}

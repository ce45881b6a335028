import { RunFacts } from '@soundstage/contracts';
import type { Logger } from '@soundstage/core';
import { createCurves } from './curves.js';
import { toParameter, type ParameterValue } from './parameters.js';
import type { RunRecords } from './run-records.js';
import type { TrainerEvent } from './trainer-command.js';

/** Object stores allow about one change of an object a second. */
const WRITE_EVERY_MS = 1000;
const LONGEST_TEXT = 2000;

/** Keeps what a run tells of itself, at most once a second. */
export interface RunDiary {
  facts(event: TrainerEvent & { event: 'facts' }): void;
  curve(event: TrainerEvent & { event: 'curve' }): void;
  /** Writes what is still to be written. */
  close(): Promise<void>;
}

/** Goes on from what the run's earlier starts told. */
export async function openRunDiary(records: RunRecords, runId: string, log: Logger): Promise<RunDiary> {
  const startTime = (await records.facts(runId))?.startTime ?? new Date();
  const curves = createCurves(await records.curves(runId));
  let facts: RunFacts | undefined;
  let drawn = false;
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const what = { ...(facts ? { facts } : {}), ...(drawn ? { curves: curves.all() } : {}) };
    facts = undefined;
    drawn = false;
    if (!what.facts && !what.curves) return writing;
    // Curves that can't be kept are not worth the run: the next write tries again.
    writing = writing.then(() =>
      records.write(runId, what).catch((error: unknown) => {
        facts ??= what.facts;
        drawn ||= what.curves !== undefined;
        log.warn({ err: error }, "the run's curves could not be kept; tried again later");
      }),
    );
    return writing;
  }
  const soon = () => (timer ??= setTimeout(() => void write(), WRITE_EVERY_MS));

  return {
    facts({ parameters, code_version: codeVersion, machine, dataset_version: datasetVersion, resumed }) {
      facts = RunFacts.fromPartial({
        parameters: Object.entries(parameters).map(([name, value]: [string, unknown]) =>
          toParameter(name, isPlain(value) ? value : JSON.stringify(value)),
        ),
        codeVersion: codeVersion.slice(0, LONGEST_TEXT),
        machine: machine.slice(0, LONGEST_TEXT),
        datasetVersion: datasetVersion.slice(0, LONGEST_TEXT),
        resumed: Math.max(0, Math.trunc(resumed)),
        startTime,
      });
      void write();
    },
    curve({ name, step, value }) {
      curves.add(name, step, value);
      drawn = true;
      soon();
    },
    async close() {
      await write();
      clearTimeout(timer);
    },
  };
}

function isPlain(value: unknown): value is ParameterValue {
  return ['number', 'string', 'boolean'].includes(typeof value);
}

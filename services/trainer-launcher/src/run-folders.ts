import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasEnded, sha256, SoundstageError, type Platform } from '@soundstage/core';
import type { TrainerLauncherConfig } from './config.js';

/** Where dataset, checkpoints and output of training runs lie. They outlive the process that started them. */
export interface RunFolders {
  /** The folder of a run; made and noted as that of the job. */
  open(runName: string, jobId: string): Promise<string>;
  /** Stops a run if it still goes on and forgets it, so that it can be started anew; its folder stays. */
  stop(runName: string): Promise<void>;
  /** The same, and removes its folder. */
  discard(runName: string): Promise<void>;
  close(): Promise<void>;
}

/** What runs on other machines share with this one. */
export type SharedVolume = Pick<TrainerLauncherConfig, 'SOUNDSTAGE_RUNNER_VOLUME' | 'SOUNDSTAGE_RUNNER_VOLUME_PATH'>;

const SWEEP_EVERY_MS = 3000;
/** A folder without a note was being made when its process died. */
const UNNOTED_AFTER_MS = 3600_000;

/** The same for every attempt of a job, so that a second one finds the run that the first one started. */
export function runNameOf(outputPrefix: string, jobId: string): string {
  return `training-${sha256(`${outputPrefix}\n${jobId}`).slice(0, 32)}`;
}

/**
 * Folders of training runs, and a sweep that discards those of jobs that have ended: whoever finishes or cancels a job
 * need not be the process that watches its run, which may have been killed.
 */
export function createRunFolders({ config, scratch, runner, jobs, log }: Platform, shared: SharedVolume): RunFolders {
  const { SOUNDSTAGE_RUNNER_VOLUME: volume, SOUNDSTAGE_RUNNER_VOLUME_PATH: path } = shared;
  const parent = volume === undefined ? scratch : (path ?? join(config.SOUNDSTAGE_HOME, 'runs-data'));
  const root = join(parent, 'training-runs');

  async function stop(runName: string): Promise<void> {
    try {
      await runner.cancel(runName);
      await runner.remove(runName);
    } catch (error) {
      if (SoundstageError.from(error).reason !== 'NOT_FOUND') throw error;
    }
  }

  async function discard(runName: string): Promise<void> {
    await stop(runName);
    await rm(join(root, runName), { recursive: true, force: true });
  }

  async function isOver(runName: string): Promise<boolean> {
    const note = await readFile(join(root, runName, 'job'), 'utf8').catch(() => undefined);
    if (note === undefined) {
      const { mtimeMs } = await stat(join(root, runName));
      return Date.now() - mtimeMs > UNNOTED_AFTER_MS;
    }
    const job = await jobs.get(note).catch((error: unknown) => {
      if (SoundstageError.from(error).reason === 'NOT_FOUND') return undefined;
      throw error;
    });
    return !job || hasEnded(job) || (await jobs.cancelRequested(note));
  }

  async function sweep(): Promise<void> {
    for (const runName of await readdir(root).catch(() => [])) {
      try {
        if (await isOver(runName)) await discard(runName);
      } catch (error) {
        log.warn({ err: error, run: runName }, 'a training run could not be cleared away; tried again later');
      }
    }
  }

  let sweeping = sweep();
  const timer = setInterval(() => {
    sweeping = sweeping.then(sweep);
  }, SWEEP_EVERY_MS);
  timer.unref();

  return {
    async open(runName, jobId) {
      const folder = join(root, runName);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'job'), jobId);
      return folder;
    },
    stop,
    discard,
    async close() {
      clearInterval(timer);
      await sweeping.then(sweep);
    },
  };
}

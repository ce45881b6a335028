import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SoundstageError, throwIfAborted } from '@soundstage/core/errors';
import { checkRun, checkRunName, isRunName } from '@soundstage/core/ports';
import type { JobRunner, RunEvent, RunSpec } from '@soundstage/core';
import { openRunFolder, writeRecord, type RunFolder, type RunPlan } from './run-folder.js';
import { settleRun } from './settle-run.js';
import { signalProcess, signalRun } from './stop-processes.js';
import { tailLines } from './tail-lines.js';

export interface ProcessJobRunnerOptions {
  /** Where the runs' records and output lie; made where there is none. On a local disk. */
  folder: string;
  /** From SIGTERM to SIGKILL, seconds. Default 10. */
  graceS?: number;
  /** A run that prints more than this is stopped and has failed. Default 256 MiB. */
  maxOutputBytes?: number;
}

const SUPERVISOR = fileURLToPath(new URL('./supervise-run.js', import.meta.url));
const LOOK_FIRST_MS = 20;
const LOOK_LAST_MS = 250;

/**
 * Runs programs as processes of their own, each in its own process group under a small supervisor, so that they
 * outlive the service and any process can follow them. Needs Linux's /proc.
 */
export function createProcessJobRunner(options: ProcessJobRunnerOptions): JobRunner {
  const { graceS = 10, maxOutputBytes = 256 * 1024 * 1024 } = options;
  const root = resolve(options.folder);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  // What a killed supervisor or a restart of the machine left running or open is ended now, not when somebody asks.
  for (const name of readdirSync(root))
    if (isRunName(name)) void settleRun(openRunFolder(join(root, name))).catch(() => undefined);

  function runFolder(name: string): RunFolder {
    checkRunName(name);
    return openRunFolder(join(root, name));
  }

  function existing(name: string): RunFolder {
    const folder = runFolder(name);
    if (!folder.plan()) throw new SoundstageError('NOT_FOUND', `There is no run ${name}.`);
    return folder;
  }

  /** Makes the run's folder, complete or not at all. False when the name is taken. */
  function makeRun(spec: RunSpec): boolean {
    const draft = join(root, `.draft_${randomBytes(8).toString('hex')}`);
    mkdirSync(draft, { mode: 0o700 });
    try {
      const plan: RunPlan = {
        ...spec,
        mark: randomBytes(16).toString('hex'),
        cwd: spec.cwd ?? join(root, spec.name, 'work'),
        env: { ...ownEnvironment(), ...spec.env },
        graceMs: graceS * 1000,
        maxOutputBytes,
      };
      writeRecord(join(draft, 'plan.json'), plan);
      renameSync(draft, join(root, spec.name));
      return true;
    } catch (thrown) {
      rmSync(draft, { recursive: true, force: true });
      const code = (thrown as NodeJS.ErrnoException).code;
      if (code === 'EEXIST' || code === 'ENOTEMPTY') return false;
      throw SoundstageError.from(thrown);
    }
  }

  return {
    async start(spec) {
      checkRun(spec);
      const folder = runFolder(spec.name);
      // Who made the folder may have been killed before the supervisor was started. One too many goes away by itself.
      if (!makeRun(spec) && (folder.supervisor() || folder.end())) return;
      const supervisor = spawn(process.execPath, [SUPERVISOR, folder.path], {
        detached: true,
        stdio: 'ignore',
        env: ownEnvironment(),
      });
      try {
        await once(supervisor, 'spawn');
      } catch (cause) {
        throw new SoundstageError(
          'UNAVAILABLE',
          `Run ${spec.name} could not be started: ${(cause as Error).message}.`,
          { cause },
        );
      }
      supervisor.unref();
    },

    async *follow(name, signal): AsyncGenerator<RunEvent> {
      const folder = existing(name);
      const streams = (['stdout', 'stderr'] as const).map((stream) => ({
        stream,
        tail: tailLines(folder.output(stream)),
      }));
      try {
        for (let waitMs = LOOK_FIRST_MS; ;) {
          throwIfAborted(signal);
          if (!folder.plan()) throw new SoundstageError('NOT_FOUND', `Run ${name} was removed.`);
          // Asked before reading: what was printed before the end is then read for certain.
          const outcome = await settleRun(folder);
          let printed = false;
          for (const { stream, tail } of streams) {
            for await (const text of tail.read(outcome !== undefined)) {
              printed = true;
              yield { type: 'line', stream, text };
              throwIfAborted(signal);
            }
          }
          if (outcome) {
            yield { type: 'end', outcome };
            return;
          }
          waitMs = printed ? LOOK_FIRST_MS : Math.min(waitMs * 2, LOOK_LAST_MS);
          await sleep(waitMs, undefined, { signal }).catch(() => undefined);
        }
      } finally {
        for (const { tail } of streams) await tail.close();
      }
    },

    async cancel(name) {
      const folder = existing(name);
      if (await settleRun(folder)) return;
      const { mark, graceMs } = folder.plan()!;
      folder.wantCancel();
      const deadlineMs = performance.now() + graceMs + 2000;
      for (let signalled = false; !(await settleRun(folder)); await sleep(LOOK_FIRST_MS)) {
        const supervisor = folder.supervisor();
        if (supervisor && !signalled) {
          signalProcess(supervisor, 'SIGTERM');
          signalled = true;
        }
        // The supervisor doesn't do its part, being stopped for example: the run is ended past it.
        if (supervisor && performance.now() > deadlineMs) {
          signalProcess(supervisor, 'SIGKILL');
          signalRun(mark, folder.program(), 'SIGKILL');
        }
      }
    },

    async remove(name) {
      const folder = runFolder(name);
      if (!folder.plan()) return;
      if (!(await settleRun(folder))) {
        throw new SoundstageError('CONFLICT', `Run ${name} is still running: cancel it first.`);
      }
      const gone = join(root, `.gone_${randomBytes(8).toString('hex')}`);
      try {
        renameSync(folder.path, gone);
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return;
        throw SoundstageError.from(thrown);
      }
      await rm(gone, { recursive: true, force: true });
    },
  };
}

/** What a program needs to run at all. The rest of the service's environment, secrets among it, isn't the run's. */
function ownEnvironment(): Record<string, string> {
  const wanted = /^(PATH|HOME|USER|LANG|LC_.*|TZ|TMPDIR|LD_LIBRARY_PATH|CUDA_.*|NVIDIA_.*|OMP_NUM_THREADS|XDG_.*)$/;
  const entries = Object.entries(process.env).filter(([name, value]) => wanted.test(name) && value !== undefined);
  return Object.fromEntries(entries) as Record<string, string>;
}

import type { Job } from '@soundstage/contracts';
import type { Metrics } from '../telemetry/metrics.js';
import type { JobStore } from './job-store.js';
import type { AnyStage } from './stage.js';

/** Object stores allow about one change of an object a second. */
const WRITE_EVERY_MS = 1000;

export interface Progress {
  /** Notes how far a step is; the job's record is rewritten at most once a second. */
  report: (step: string, fraction: number, message?: string) => void;
  /** Waits for a write in flight and writes no more. */
  stop(): Promise<void>;
  writeTo(job: Job, done: boolean): void;
  stepSeconds(): Record<string, number>;
}

/** Turns a stage's progress reports into the steps of its job. Steps may overlap: each has its own clock. */
export function createProgress(stage: AnyStage, jobs: JobStore, jobId: string, metrics: Metrics): Progress {
  const steps = new Map(
    stage.steps.map(({ name, share }) => [name, { share, fraction: 0, message: '', startMs: 0, seconds: 0 }]),
  );
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<unknown> = Promise.resolve();
  let stopped = false;

  function writeTo(job: Job, done: boolean): void {
    job.steps = [...steps].map(([name, s]) => ({
      name,
      fraction: done ? 1 : s.fraction,
      seconds: s.fraction < 1 && s.startMs && !done ? (performance.now() - s.startMs) / 1000 : s.seconds,
      message: s.message,
    }));
    const shares = stage.steps.reduce((sum, { share }) => sum + share, 0);
    const made = [...steps.values()].reduce((sum, s) => sum + s.share * s.fraction, 0);
    job.fraction = done ? 1 : Math.max(job.fraction, made / shares);
  }

  return {
    writeTo,
    report(step, fraction, message) {
      const s = steps.get(step);
      if (!s || stopped) return;
      s.startMs ||= performance.now();
      const ended = s.fraction >= 1;
      s.fraction = Math.min(1, Math.max(s.fraction, fraction));
      s.message = message ?? s.message;
      if (s.fraction >= 1 && !ended) {
        s.seconds = (performance.now() - s.startMs) / 1000;
        metrics.stepSeconds.observe({ kind: stage.kind, step }, s.seconds);
      }
      timer ??= setTimeout(() => {
        timer = undefined;
        // Progress that can't be written is not worth the work: the next report tries again.
        writing = writing.then(() =>
          stopped ? undefined : jobs.update(jobId, (job) => writeTo(job, false)).catch(() => undefined),
        );
      }, WRITE_EVERY_MS);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await writing;
    },
    stepSeconds() {
      return Object.fromEntries([...steps].map(([name, s]) => [name, s.seconds]));
    },
  };
}

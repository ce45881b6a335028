import { useEffect, useRef, useState } from 'preact/hooks';
import type { JobJson } from './api.js';
import { Film } from './film.js';
import { duration, percent } from './format.js';
import { stepNow, stepTitle, wayOf } from './steps.js';
import { useObjectUrl } from './video-picker.js';

interface ProgressViewProps {
  job: JobJson;
  name: string;
  file: File | undefined;
  onCancel(): void;
}

/** A job at work: whole progress, each step with its own, time so far, and a way to stop it. */
export function ProgressView({ job, name, file, onCancel }: ProgressViewProps) {
  const [cancelling, setCancelling] = useState(false);
  const elapsed = useElapsed(job.createTime);
  const preview = useObjectUrl(file);
  const way = wayOf(job);
  const queued = job.state === 'queued';
  const current = job.steps.findIndex((step) => step.fraction < 1);
  const step = job.steps[current];
  const now = queued ? 'Waiting for its turn' : step ? stepNow(step.name, way) : 'Finishing';
  const spoken = step && !queued ? `${now}, step ${current + 1} of ${job.steps.length}` : now;

  return (
    <section class="progress" aria-labelledby="progress-title">
      <Film track={job.fraction} class="progress-film">
        {preview || job.links.source ? (
          <video
            src={preview ?? job.links.source}
            muted
            loop
            playsInline
            autoPlay={!matchMedia('(prefers-reduced-motion: reduce)').matches}
            aria-hidden="true"
            tabIndex={-1}
          />
        ) : null}
      </Film>
      <div class="progress-words">
        <h1 id="progress-title" tabIndex={-1}>
          {now}
          <span class="dots" aria-hidden="true" />
        </h1>
        <p class="progress-name">{name}</p>
        <p class="visually-hidden" role="status">
          {spoken}
        </p>
        <div
          class="bar bar-large"
          role="progressbar"
          aria-label="Whole progress"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(job.fraction * 100)}
          aria-valuetext={`${percent(job.fraction)}, ${spoken}`}
        >
          <div class="bar-fill" style={{ transform: `scaleX(${job.fraction})` }} />
        </div>
        <div class="progress-figures">
          <span>{percent(job.fraction)}</span>
          <span>{duration(elapsed)}</span>
          {job.attempt > 1 && <span>attempt {job.attempt}</span>}
        </div>
        <ol class="steps">
          {job.steps
            .filter(({ name: id }) => way !== 'regnet' || (id !== 'what' && id !== 'when'))
            .map(({ name: id, fraction, seconds, message }, i) => {
              const state = fraction >= 1 ? 'done' : i === current && !queued ? 'now' : 'waiting';
              return (
                <li key={id} class={`step step-${state}`} aria-current={state === 'now' ? 'step' : undefined}>
                  <span class="step-title">{stepTitle(id, way)}</span>
                  <span class="step-message">{message}</span>
                  <span class="step-seconds">{seconds > 0 ? duration(seconds) : ''}</span>
                  <span class="visually-hidden">{state === 'now' ? percent(fraction) : state}</span>
                  <span class="step-bar" aria-hidden="true">
                    <span style={{ transform: `scaleX(${fraction})` }} />
                  </span>
                </li>
              );
            })}
        </ol>
        <button
          class="button"
          type="button"
          disabled={cancelling}
          onClick={() => {
            setCancelling(true);
            onCancel();
          }}
        >
          {cancelling ? 'Cancelling…' : 'Cancel'}
        </button>
      </div>
    </section>
  );
}

/** Seconds since the job was made; the difference of the two clocks is taken out at the first look. */
function useElapsed(createTime: string): number {
  const offset = useRef(Math.max(0, Date.parse(createTime) - Date.now()));
  const seconds = () => Math.max(0, (Date.now() + offset.current - Date.parse(createTime)) / 1000);
  const [elapsed, setElapsed] = useState(seconds);
  useEffect(() => {
    const timer = setInterval(() => setElapsed(seconds()), 200);
    return () => clearInterval(timer);
  }, [createTime]);
  return elapsed;
}

import { useState } from 'preact/hooks';
import { cancelJob, hasEnded, repeatJob, wishOf, type ApiError, type JobJson, type Wish } from './api.js';
import { ProgressView } from './progress-view.js';
import { Result } from './result.js';
import { newSeed } from './wish-fields.js';

interface JobViewProps {
  job: JobJson;
  /** The video itself, where it was chosen in this browser. */
  file: File | undefined;
  onJob(job: JobJson): void;
  onAnother(jobId: string, file?: File): void;
}

/** One job, whatever its state. */
export function JobView({ job, file, onJob, onAnother }: JobViewProps) {
  const [problem, setProblem] = useState('');
  const name = job.request?.fileName || 'Your video';
  const attempt = (work: Promise<void>) => {
    setProblem('');
    work.catch((error: ApiError) => setProblem(error.message));
  };
  const again = (change: Partial<Wish>) =>
    attempt(repeatJob(job.id, { ...wishOf(job), ...change }).then((made) => onAnother(made.id, file)));
  /** The seeds after those that are here already. */
  const more = (count: number) => {
    const last = job.result?.candidates.at(-1)?.seed ?? job.request?.seed ?? '0';
    again({ candidates: count, seed: String(BigInt(last) + 1n) });
  };
  const cancel = () => attempt(cancelJob(job.id).then(onJob));
  const notice = problem && (
    <div class="notice notice-error" role="alert">
      <p>{problem}</p>
    </div>
  );

  if (!hasEnded(job)) {
    return (
      <>
        {notice}
        <ProgressView job={job} name={name} file={file} onCancel={cancel} />
      </>
    );
  }
  if (job.state === 'succeeded' && job.result) {
    return (
      <>
        {notice}
        <Result
          job={job}
          name={name}
          onAnother={() => again({ seed: newSeed(), candidates: 1 })}
          onMore={more}
          onJob={(id) => onAnother(id, file)}
        />
      </>
    );
  }
  const cancelled = job.state === 'cancelled';
  return (
    <section class={`notice ${cancelled ? '' : 'notice-error'}`} aria-labelledby="ended">
      <h1 id="ended" tabIndex={-1}>
        {cancelled ? 'Cancelled' : 'No soundtrack could be made'}
      </h1>
      <p class="notice-name">{name}</p>
      <p role={cancelled ? undefined : 'alert'}>
        {cancelled ? 'The work was stopped; nothing was kept of it.' : (job.error?.message ?? 'The job failed.')}
      </p>
      {notice}
      <div class="actions">
        <a class="button button-main" href="#/">
          Choose another video
        </a>
        {job.links.source && job.error?.reason !== 'BAD_INPUT' && (
          <button class="button" type="button" onClick={() => again({})}>
            Try this one again
          </button>
        )}
      </div>
    </section>
  );
}

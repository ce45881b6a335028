import { useState } from 'preact/hooks';
import {
  cancelJob,
  hasEnded,
  nameOf,
  repeatJob,
  repeatSync,
  wishOf,
  type ApiError,
  type JobJson,
  type SyncWish,
  type Wish,
} from './api.js';
import { ProgressView } from './progress-view.js';
import { Result } from './result.js';
import { SyncResult } from './sync-result.js';
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
  const name = nameOf(job) || 'Your video';
  const isSync = job.kind === 'sync';
  const attempt = (work: Promise<void>) => {
    setProblem('');
    work.catch((error: ApiError) => setProblem(error.message));
  };
  const again = (change: Partial<Wish>) =>
    attempt(repeatJob(job.id, { ...wishOf(job), ...change }).then((made) => onAnother(made.id, file)));
  const syncAgain = (change: Partial<SyncWish>) => {
    const { rangeS = 1, measureOnly = false } = job.syncRequest ?? {};
    attempt(repeatSync(job.id, { rangeS, measureOnly, ...change }).then((made) => onAnother(made.id, file)));
  };
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
  if (job.state === 'succeeded' && job.syncResult) {
    return (
      <>
        {notice}
        <SyncResult job={job} name={name} onAgain={syncAgain} />
      </>
    );
  }
  const cancelled = job.state === 'cancelled';
  return (
    <section class={`notice ${cancelled ? '' : 'notice-error'}`} aria-labelledby="ended">
      <h1 id="ended" tabIndex={-1}>
        {cancelled ? 'Cancelled' : isSync ? 'Nothing could be measured' : 'No soundtrack could be made'}
      </h1>
      <p class="notice-name">{name}</p>
      <p role={cancelled ? undefined : 'alert'}>
        {cancelled ? 'The work was stopped; nothing was kept of it.' : (job.error?.message ?? 'The job failed.')}
      </p>
      {notice}
      <div class="actions">
        <a class="button button-main" href={isSync ? '#/sync' : '#/'}>
          Choose another video
        </a>
        {job.links.source && job.error?.reason !== 'BAD_INPUT' && (
          <button class="button" type="button" onClick={() => (isSync ? syncAgain({}) : again({}))}>
            Try this one again
          </button>
        )}
      </div>
    </section>
  );
}

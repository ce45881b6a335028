import { useCallback, useEffect, useState } from 'preact/hooks';
import { headline } from '@soundstage/sync/answer';
import { hasEnded, listJobs, nameOf, type ApiError, type JobJson, type JobKind } from './api.js';
import { dateTime, duration, percent } from './format.js';

const STATES: Record<JobJson['state'], string> = {
  queued: 'Waiting',
  running: 'At work',
  succeeded: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

/** The jobs of this server, newest first. */
export function History({ kind, current }: { kind: JobKind; current: JobJson | undefined }) {
  const [jobs, setJobs] = useState<JobJson[]>();
  const [next, setNext] = useState<string>();
  const [problem, setProblem] = useState('');

  const load = useCallback(
    () =>
      listJobs(kind).then(
        (page) => {
          setJobs(page.jobs);
          setNext(page.nextPageToken);
          setProblem('');
        },
        (error: ApiError) => setProblem(error.message),
      ),
    [kind],
  );
  // Another job, or another state of this one, changes the list.
  useEffect(() => void load(), [kind, current?.id, current?.state]);
  const busy = jobs?.some((job) => !hasEnded(job)) ?? false;
  useEffect(() => {
    if (!busy) return undefined;
    const timer = setInterval(() => void load(), 5000);
    return () => clearInterval(timer);
  }, [busy, kind]);

  const more = () =>
    listJobs(kind, next).then(
      (page) => {
        setJobs([...(jobs ?? []), ...page.jobs]);
        setNext(page.nextPageToken);
      },
      (error: ApiError) => setProblem(error.message),
    );

  return (
    <section class="history" aria-labelledby="history">
      <h2 id="history" tabIndex={-1}>
        Earlier on this server
      </h2>
      {problem && <p class="history-empty">{problem}</p>}
      {!problem && jobs?.length === 0 && <p class="history-empty">Nothing yet. Your videos will be listed here.</p>}
      {jobs && jobs.length > 0 && (
        <ul class="history-list">
          {jobs
            .map((listed) => (listed.id === current?.id ? current : listed))
            .map((job) => (
              <li key={job.id}>
                <a href={`#/jobs/${job.id}`} aria-current={job.id === current?.id ? 'page' : undefined}>
                  <span class="history-name">{nameOf(job) || 'A video'}</span>
                  <span class="history-about">{aboutOf(job)}</span>
                  <time dateTime={job.createTime}>{dateTime(job.createTime)}</time>
                  <span class={`state state-${job.state}`}>
                    {STATES[job.state]}
                    {job.state === 'running' && ` ${percent(job.fraction)}`}
                  </span>
                </a>
              </li>
            ))}
        </ul>
      )}
      {next && (
        <button class="button" type="button" onClick={() => void more()}>
          Show older
        </button>
      )}
    </section>
  );
}

function aboutOf(job: JobJson): string {
  if (job.error) return job.error.message;
  if (job.syncResult) return headline(job.syncResult);
  const asked = job.request?.sound && `“${job.request.sound}”`;
  const { result } = job;
  if (!result) return asked || (job.request?.cues ? 'edited' : '');
  const [first] = result.candidates;
  const heard = asked || result.classes[0]?.label;
  const hits = first?.hits ?? 0;
  const count = first?.links.cues ? `${hits} ${hits === 1 ? 'moment' : 'moments'}` : 'drawn by a net';
  const edited = job.request?.cues && 'edited';
  const several = result.candidates.length > 1 && `${result.candidates.length} candidates`;
  return [edited, heard, count, duration(result.durationS), several || `take ${first?.seed}`]
    .filter(Boolean)
    .join(' · ');
}

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, followJob, getJob, hasEnded, nameOf, type JobJson, type JobKind } from './api.js';
import { History } from './history.js';
import { Mark } from './icons.js';
import { JobView } from './job-view.js';
import { Start } from './start.js';
import { SyncStart } from './sync-start.js';
import { startOf, Tabs } from './tabs.js';
import { percent } from './format.js';

/** The job that the address names: `#/jobs/<id>`. */
function jobInAddress(): string | undefined {
  return /^#\/jobs\/([a-z0-9-]{1,64})$/.exec(location.hash)?.[1];
}

/** The tab that the address names: `#/sync`; a job's own is known once it is there. */
function tabInAddress(): JobKind | undefined {
  if (location.hash.startsWith('#/jobs/')) return undefined;
  return location.hash === startOf('sync') ? 'sync' : 'foley';
}

export function App() {
  const [tab, setTab] = useState<JobKind>(() => tabInAddress() ?? 'foley');
  const [jobId, setJobId] = useState(jobInAddress);
  const [job, setJob] = useState<JobJson>();
  const [problem, setProblem] = useState<ApiError>();
  /** The file that a job was made from, to show its picture while it uploads and before the source is needed. */
  const files = useRef(new Map<string, File>());
  const main = useRef<HTMLElement>(null);

  useEffect(() => {
    const changed = () => {
      setJobId(jobInAddress());
      setTab((before) => tabInAddress() ?? before);
      window.scrollTo(0, 0);
    };
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);

  useEffect(() => {
    setJob(undefined);
    setProblem(undefined);
    if (!jobId) return undefined;
    let stop: (() => void) | undefined;
    let left = false;
    getJob(jobId).then(
      (found) => {
        if (left) return;
        setJob(found);
        if (!hasEnded(found)) stop = followJob(jobId, setJob, setProblem);
      },
      (error: ApiError) => left || setProblem(error),
    );
    return () => {
      left = true;
      stop?.();
    };
  }, [jobId]);

  const shown = job?.id === jobId ? job : undefined;
  useEffect(() => {
    if (shown) setTab(shown.kind);
  }, [shown?.kind]);
  useEffect(() => {
    const name = (shown && nameOf(shown)) || 'a video';
    document.title = !jobId
      ? 'Soundstage'
      : shown && !hasEnded(shown)
        ? `${percent(shown.fraction)} · ${name} · Soundstage`
        : `${name} · Soundstage`;
  }, [jobId, shown]);

  // Somebody who can't see that the view has changed finds the new heading under the cursor.
  const arrived = useRef(false);
  useEffect(() => {
    if (arrived.current) main.current?.querySelector('h1')?.focus({ preventScroll: true });
    arrived.current = true;
  }, [jobId, problem, shown === undefined, shown && hasEnded(shown)]);

  const open = useCallback((id: string, file?: File) => {
    if (file) files.current.set(id, file);
    location.hash = `#/jobs/${id}`;
  }, []);

  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the content
      </a>
      <header class="masthead">
        <a class="wordmark" href="#/">
          <Mark /> Soundstage
        </a>
        <Tabs tab={tab} />
        <nav aria-label="Site">
          {jobId && <a href={startOf(tab)}>New video</a>}
          <a href="#history" onClick={(event) => (event.preventDefault(), focusHistory())}>
            Earlier videos
          </a>
        </nav>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
          {!jobId && (tab === 'sync' ? <SyncStart onStarted={open} /> : <Start onStarted={open} />)}
          {jobId && problem && (
            <section class="notice notice-error" aria-labelledby="problem">
              <h1 id="problem" tabIndex={-1}>
                {problem.reason === 'NOT_FOUND' ? 'This video isn’t here' : 'This video can’t be shown now'}
              </h1>
              <p>{problem.message}</p>
              <a class="button" href={startOf(tab)}>
                Start with another video
              </a>
            </section>
          )}
          {jobId && !problem && shown && (
            <JobView key={jobId} job={shown} file={files.current.get(jobId)} onJob={setJob} onAnother={open} />
          )}
          {jobId && !problem && !shown && (
            <p class="loading" role="status">
              Loading…
            </p>
          )}
        </div>
      </main>
      <History kind={tab} current={shown} />
      <footer class="colophon">
        <p>
          {tab === 'sync'
            ? 'Soundstage compares how lips move with what is said. It says how sure it is, says so where it can’t tell, and never touches the picture.'
            : 'Soundstage finds moments of contact and motion in the picture and lays real, freely licensed recordings under them. It guesses what sounds, and says how sure it is. It makes no speech and no music.'}
        </p>
        <p>
          Videos stay on this server. For programs: <a href="/openapi.json">the HTTP API</a>.
        </p>
      </footer>
    </>
  );
}

function focusHistory(): void {
  const heading = document.getElementById('history');
  heading?.scrollIntoView();
  heading?.focus();
}

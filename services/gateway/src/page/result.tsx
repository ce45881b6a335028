import { useState } from 'preact/hooks';
import type { JobJson } from './api.js';
import { CopyLink } from './copy-link.js';
import { Details } from './details.js';
import { duration, percent } from './format.js';
import { AgainIcon, SaveIcon } from './icons.js';
import { Stage } from './stage.js';

interface ResultProps {
  job: JobJson;
  name: string;
  onAnother(): void;
  onMore(count: number): void;
  onJob(jobId: string): void;
}

/** Below it a person should check the hits. */
const LOW_TRUST = 0.35;

/** What a job made: the finished video beside the original, its cue sheet, and where it came from. */
export function Result({ job, name, onAnother, onMore, onJob }: ResultProps) {
  const [asked, setAsked] = useState(false);
  const result = job.result!;
  const [first] = result.candidates;
  const work = result.timings.reduce((sum, t) => sum + t.seconds, 0);
  const edited = job.request?.cues !== undefined;
  const warnings = [...new Set([...trustWords(job), ...result.warnings])];

  return (
    <article class="result" aria-labelledby="result-title">
      <header class="result-head">
        <div>
          <p class="result-name">
            {name}
            {edited && <span class="badge">Edited</span>}
          </p>
          <h1 id="result-title" tabIndex={-1}>
            {first?.links.cues ? titleOf(first.hits, edited) : 'Drawn by a net, from what moves'}
          </h1>
          <p class="result-lede">
            {duration(result.durationS)} of {job.request?.source?.mediaType.startsWith('image/') ? 'sound' : 'video'}
            {work > 0 && <>, made in {duration(work)}</>}
            {job.request?.quality === 'draft' && <> as a draft</>}. Take {first?.seed}
            {job.request?.sound && <>, “{job.request.sound}” as you said</>}.
          </p>
          <p class="visually-hidden" role="status">
            The soundtrack is done.
          </p>
        </div>
        <div class="actions">
          {job.links.result && (
            <a class="button button-main" href={`${job.links.result}?download=1`} download>
              <SaveIcon /> Download
            </a>
          )}
          {first?.links.video && <CopyLink jobId={job.id} />}
          <button
            class="button"
            type="button"
            disabled={asked || !job.links.source}
            onClick={() => {
              setAsked(true);
              onAnother();
            }}
          >
            <AgainIcon /> Another take
          </button>
        </div>
      </header>
      {warnings.length > 0 && (
        <section class="notice notice-warning" aria-label="What to know">
          <ul>
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </section>
      )}
      <Stage job={job} onMore={onMore} onJob={onJob} />
      <Details job={job} />
    </article>
  );
}

function titleOf(hits: number, edited: boolean): string {
  if (edited)
    return hits === 1 ? 'One hit, as you set it' : hits === 0 ? 'Your cue sheet' : `${hits} hits, as you set them`;
  if (hits === 0) return 'No single moments, a steady sound';
  return hits === 1 ? 'One moment found' : `${hits} moments found`;
}

/** How far the times can be trusted, where that is little. */
function trustWords({ result }: JobJson): string[] {
  const trust = result?.timingTrust;
  if (trust === undefined || trust >= LOW_TRUST) return [];
  return [
    `The moments are hard to see here (trust ${percent(trust)}): expect some hits to be off, and move them below.`,
  ];
}

import { useRef, useState } from 'preact/hooks';
import type { JobJson } from './api.js';
import { Details } from './details.js';
import { duration } from './format.js';
import { AgainIcon, SaveIcon } from './icons.js';
import { Players } from './players.js';

/** What a job made: the finished video beside the original, its sound over time, and where it came from. */
export function Result({ job, name, onAnother }: { job: JobJson; name: string; onAnother(): void }) {
  const [asked, setAsked] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const result = job.result!;
  const count = result.onsets.length;
  const work = result.timings.reduce((sum, t) => sum + t.seconds, 0);

  return (
    <article class="result" aria-labelledby="result-title">
      <header class="result-head">
        <div>
          <p class="result-name">{name}</p>
          <h1 id="result-title" ref={heading} tabIndex={-1}>
            {count === 0
              ? 'No single moments, a steady sound'
              : count === 1
                ? 'One moment found'
                : `${count} moments found`}
          </h1>
          <p class="result-lede">
            {duration(result.durationS)} of video
            {work > 0 && <>, made in {duration(work)}</>}. Take {result.seed}
            {job.request?.sound && <>, “{job.request.sound}” as you said</>}.
          </p>
          <p class="visually-hidden" role="status">
            The soundtrack is done.
          </p>
        </div>
        <div class="actions">
          <a class="button button-main" href={`${job.links.result}?download=1`} download>
            <SaveIcon /> Download
          </a>
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
      {result.warnings.length > 0 && (
        <section class="notice notice-warning" aria-label="Warnings">
          <ul>
            {result.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </section>
      )}
      <Players job={job} />
      <Details job={job} />
    </article>
  );
}

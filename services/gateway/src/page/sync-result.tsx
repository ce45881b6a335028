import { useRef, useState } from 'preact/hooks';
import { ADVICE, headline, lateness, noticed, signInWords, signPicture, sureness } from '@soundstage/sync/answer';
import type { JobJson, SyncResultJson, SyncWish } from './api.js';
import { CopyLink } from './copy-link.js';
import { Models, Timings } from './details.js';
import { duration, percent } from './format.js';
import { AgainIcon, SaveIcon } from './icons.js';
import { SyncSegments } from './sync-segments.js';
import { SyncStage } from './sync-stage.js';

interface SyncResultProps {
  job: JobJson;
  name: string;
  onAgain(change: Partial<SyncWish>): void;
}

const WIDEST_S = 5;

/** What a sync job found: the answer, before and after to play, its segments, and the way to its proof. */
export function SyncResult({ job, name, onAgain }: SyncResultProps) {
  const [asked, setAsked] = useState(false);
  const seek = useRef<(timeS: number) => void>(undefined);
  const result = job.syncResult!;
  const { verdict, offsetMs, confidence, segments, durationS, warnings } = result;
  const { rangeS = 1, measureOnly = false } = job.syncRequest ?? {};
  const speechS = segments.reduce((sum, segment) => sum + segment.speechS, 0);
  const again = (change: Partial<SyncWish>) => {
    setAsked(true);
    onAgain(change);
  };
  const canRepair = measureOnly && verdict !== 'in_sync' && verdict !== 'cannot_tell';
  const canWiden = verdict === 'cannot_tell' && result.reason === 'no_agreement' && rangeS < WIDEST_S;

  return (
    <article class="result sync-result" aria-labelledby="result-title">
      <header class="result-head">
        <div class="sync-answer">
          <p class="result-name">{name}</p>
          <h1 id="result-title" class={`verdict-${verdict}`} tabIndex={-1}>
            {headline(result)}
          </h1>
          <p class="result-lede">
            {result.detail} {verdict === 'offset' && offsetMs !== undefined && noticed(offsetMs)}
          </p>
          <p class="visually-hidden" role="status">
            The measurement is done.
          </p>
        </div>
        <div class="actions">
          {job.links.result && (
            <a class="button button-main" href={`${job.links.result}?download=1`} download>
              <SaveIcon /> Download
            </a>
          )}
          {canRepair && (
            <button
              class="button button-main"
              type="button"
              disabled={asked}
              onClick={() => again({ measureOnly: false })}
            >
              Repair it
            </button>
          )}
          {canWiden && (
            <button
              class="button button-main"
              type="button"
              disabled={asked}
              onClick={() => again({ rangeS: WIDEST_S })}
            >
              <AgainIcon /> Look further, up to {WIDEST_S} s
            </button>
          )}
          {job.links.report && (
            <a class="button" href={job.links.report} target="_blank" rel="noopener">
              Report <span class="visually-hidden">in a new tab</span>
            </a>
          )}
          {job.links.result && <CopyLink jobId={job.id} />}
        </div>
      </header>

      <WhatWasDone result={result} />
      {warnings.length > 0 && (
        <section class="notice notice-warning" aria-label="What to know">
          <ul>
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </section>
      )}
      {result.reason && <Advice reason={result.reason} />}

      <SyncStage job={job} seek={seek} />

      {offsetMs !== undefined && (
        <div class="sync-facts">
          <dl class="figures">
            <div>
              <dt>Offset</dt>
              <dd>{lateness(offsetMs)}</dd>
            </div>
            <div>
              <dt>Sure</dt>
              <dd>
                {percent(confidence)} <span>{sureness(confidence)}</span>
              </dd>
            </div>
            <div>
              <dt>Rests on</dt>
              <dd>
                {duration(speechS)} <span>of speech in {duration(durationS)}</span>
              </dd>
            </div>
          </dl>
          <figure class="sign-figure">
            {/* Drawn from the offset alone. */}
            <div dangerouslySetInnerHTML={{ __html: signPicture(offsetMs).text }} />
            <figcaption class="hint" aria-hidden="true">
              {signInWords(offsetMs)}
            </figcaption>
          </figure>
        </div>
      )}

      <SyncSegments result={result} onJump={(timeS) => seek.current?.(timeS)} />

      <div class="details">
        {result.models.length > 0 && <Models models={result.models} words="Measured by" />}
        <Timings job={job} timings={result.timings} />
      </div>
    </article>
  );
}

function WhatWasDone({ result: { after, video, whatWasDone } }: { result: SyncResultJson }) {
  if (video && after) {
    const now = after.offsetMs === undefined ? '' : ` (${lateness(after.offsetMs)})`;
    return (
      <section class="notice notice-done" aria-label="What was done">
        <p>
          <strong>Repaired.</strong> {whatWasDone} Measured again:{' '}
          {headline(after).replace(/^./, (letter) => letter.toLowerCase())}
          {after.verdict === 'in_sync' && now}.
        </p>
      </section>
    );
  }
  return (
    <section class={`notice ${after ? 'notice-warning' : ''}`} aria-label="What was done">
      <p>{whatWasDone}</p>
    </section>
  );
}

function Advice({ reason }: { reason: string }) {
  const advice = (ADVICE as Partial<Record<string, (typeof ADVICE)[keyof typeof ADVICE]>>)[reason];
  if (!advice) return null;
  return (
    <section class="notice notice-warning" aria-labelledby="advice-title">
      <h2 id="advice-title">{advice.why}</h2>
      <ul class="advice">
        {advice.next.map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
    </section>
  );
}

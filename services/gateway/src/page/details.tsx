import type { JobJson } from './api.js';
import { duration, percent, signed } from './format.js';
import { stepTitle, wayOf } from './steps.js';

type Result = NonNullable<JobJson['result']>;

/** Where the sound came from: what was seen, which recordings were used, what was measured, how long it took. */
export function Details({ job }: { job: JobJson }) {
  const { classes, timings, candidates, timingTrust, models } = job.result!;
  const { sounds, loudnessLufs, truePeakDbtp, links } = candidates[0]!;
  return (
    <div class="details">
      {links.cues ? <Classes classes={classes} asked={job.request?.sound} /> : <Models models={models} />}
      <div class="details-column">
        {links.cues && (
          <section aria-labelledby="sounds-title">
            <h2 id="sounds-title">Recordings used</h2>
            {sounds.length === 0 && <p class="hint">None.</p>}
            <ul class="sounds">
              {sounds.map(({ name, licence }) => (
                <li key={name}>
                  <span>{name}</span>
                  <span class="licence">{licence}</span>
                </li>
              ))}
            </ul>
          </section>
        )}
        <section aria-labelledby="levels-title">
          <h2 id="levels-title">Levels</h2>
          <dl class="figures">
            <div>
              <dt>Loudness (EBU R 128)</dt>
              <dd>
                <Level value={loudnessLufs} unit="LUFS" />
              </dd>
            </div>
            <div>
              <dt>True peak</dt>
              <dd>
                <Level value={truePeakDbtp} unit="dBTP" />
              </dd>
            </div>
            {timingTrust !== undefined && (
              <div>
                <dt>Trust in the timing</dt>
                <dd>{percent(timingTrust)}</dd>
              </div>
            )}
          </dl>
        </section>
      </div>
      <Timings job={job} timings={timings} />
    </div>
  );
}

function Classes({ classes, asked }: { classes: Result['classes']; asked: string | undefined }) {
  return (
    <section aria-labelledby="classes-title">
      <h2 id="classes-title">{asked ? 'What you asked for' : 'What it saw'}</h2>
      {asked && <p class="hint">By your words, “{asked}”, not by the picture.</p>}
      {classes.length === 0 && <p class="hint">Nothing that it knows a sound for.</p>}
      <ul class="classes">
        {classes.map(({ label, confidence }) => (
          <li key={label}>
            <span class="class-label">{label}</span>
            {!asked && (
              <>
                <span class="class-figure">{percent(confidence)}</span>
                <span class="meter" aria-hidden="true">
                  <span style={{ transform: `scaleX(${Math.min(1, confidence)})` }} />
                </span>
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What drew the sound, where no recordings were used. */
export function Models({ models, words = 'Made by' }: { models: Result['models']; words?: string }) {
  return (
    <section aria-labelledby="models-title">
      <h2 id="models-title">{words}</h2>
      <ul class="sounds">
        {models.map(({ name, version }) => (
          <li key={name}>
            <span>{name.replaceAll('_', ' ')}</span>
            <span class="licence">version {version}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Level({ value, unit }: { value: number | undefined; unit: string }) {
  if (value === undefined) return <>silent</>;
  return (
    <>
      {signed(value)} <span>{unit}</span>
    </>
  );
}

/** How long each step took. */
export function Timings({ job, timings }: { job: JobJson; timings: Result['timings'] }) {
  const total = timings.reduce((sum, t) => sum + t.seconds, 0);
  if (total === 0) return null;
  return (
    <section aria-labelledby="time-title">
      <h2 id="time-title">Where the time went</h2>
      <ul class="timings">
        {timings.map(({ step, seconds }) => (
          <li key={step}>
            <span>{stepTitle(step, wayOf(job))}</span>
            <span class="meter" aria-hidden="true">
              <span style={{ transform: `scaleX(${seconds / total})` }} />
            </span>
            <span class="class-figure">{duration(seconds)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

import { driftInWords, lateness } from '@soundstage/sync/answer';
import type { SyncResultJson } from './api.js';
import { clock, duration, percent } from './format.js';

/** The stretches of the film with an offset each, and what each rests on. */
export function SyncSegments({ result, onJump }: { result: SyncResultJson; onJump(timeS: number): void }) {
  const { segments, after } = result;
  if (segments.length === 0) return null;
  const drifts = segments.some(({ driftPpm }) => Math.round(driftPpm) !== 0);
  const afterAt = (timeS: number) => after?.segments.find(({ startS, endS }) => timeS >= startS && timeS < endS);
  return (
    <section aria-labelledby="segments-title">
      <h2 id="segments-title" class="segments-title">
        {segments.length === 1 ? 'What was found' : 'Segments'}
      </h2>
      <div class="segments" role="region" aria-label="Table of the segments" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Part of the film</th>
              <th scope="col">The sound comes</th>
              {drifts && <th scope="col">Drift</th>}
              <th scope="col">Sure</th>
              <th scope="col">Rests on</th>
              {after && <th scope="col">After the repair</th>}
            </tr>
          </thead>
          <tbody>
            {segments.map(({ startS, endS, offsetMs, driftPpm, confidence, speechS }) => {
              const repaired = afterAt((startS + endS) / 2);
              return (
                <tr key={startS}>
                  <th scope="row">
                    <button type="button" class="jump" onClick={() => onJump(startS)}>
                      {clock(startS)} to {clock(endS)}
                    </button>
                  </th>
                  <td>
                    <strong>{lateness(offsetMs)}</strong>
                  </td>
                  {drifts && <td>{driftInWords(driftPpm)}</td>}
                  <td>{percent(confidence)}</td>
                  <td>{duration(speechS)} of speech</td>
                  {after && (
                    <td>
                      <strong>{repaired ? lateness(repaired.offsetMs) : 'can’t be told'}</strong>
                    </td>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

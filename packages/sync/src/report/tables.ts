import { html, type Html } from '@soundstage/html';
import type { SyncMeasurement } from '../measurement.js';
import { bestByTime } from './heat-grid.js';
import { clock } from './time-axis.js';
import { driftInWords, lateness, percent, sureness } from './words.js';

const MOST_ROWS = 300;
const MOST_BEST_ROWS = 120;

/** What was found, segment by segment, and what each rests on. */
export function segmentsTable(before: SyncMeasurement, after: SyncMeasurement | undefined, canPlay: boolean): Html {
  if (before.segments.length === 0) return html``;
  const jumps = canPlay && before.segments.length > 1;
  const drifts = before.segments.some(({ driftPpm }) => Math.round(driftPpm) !== 0);
  const afterAt = (timeS: number) => after?.segments.find(({ startS, endS }) => timeS >= startS && timeS < endS);
  return html`<section aria-labelledby="segments-title">
    <h2 id="segments-title">${before.segments.length === 1 ? 'What was found' : 'Segments'}</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of the segments">
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">The sound comes</th>
            ${drifts && html`<th scope="col">Drift</th>`}
            <th scope="col">Sure</th>
            <th scope="col">Rests on</th>
            ${after && html`<th scope="col">After the repair</th>`} ${jumps && html`<td></td>`}
          </tr>
        </thead>
        <tbody>
          ${before.segments.slice(0, MOST_ROWS).map((segment) => {
            const { startS, endS, offsetMs, driftPpm, confidence, speechS } = segment;
            const repaired = afterAt((startS + endS) / 2);
            return html`<tr>
              <th scope="row">${clock(startS)}</th>
              <td>${clock(endS)}</td>
              <td class="strong">${lateness(offsetMs)}</td>
              ${drifts && html`<td>${driftInWords(driftPpm)}</td>`}
              <td>
                <meter min="0" max="1" value="${confidence}" aria-hidden="true"></meter> ${percent(confidence)}
                <small>${sureness(confidence)}</small>
              </td>
              <td>${speechS.toFixed(1)} s of speech</td>
              ${after && html`<td class="strong">${repaired ? lateness(repaired.offsetMs) : 'can’t be told'}</td>`}
              ${jumps && html`<td><button type="button" data-jump="${startS}" aria-label="Go there: ${clock(startS)}">Go there</button></td>`}
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    ${more(before.segments.length, MOST_ROWS)}
  </section>`;
}

/** Everything that is drawn, as numbers. */
export function dataTables(before: SyncMeasurement, after: SyncMeasurement | undefined): Html {
  const { evidence, durationS } = before;
  const { offsetsMs, curve, shotsS, speech, faces } = evidence;
  const best = bestByTime(evidence, MOST_BEST_ROWS);
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  return html`<section aria-labelledby="numbers-title">
    <h2 id="numbers-title">The same in numbers</h2>
    ${table(
      'Best agreement by time',
      ['Time', 'Agrees best at', 'Agreement'],
      best.map(({ timeS, offsetMs, score }) => [clock(timeS), lateness(offsetMs), score.toFixed(2)]),
    )}
    ${table(
      'Agreement by offset',
      ['Offset', ...(after ? ['Before', 'After'] : ['Agreement'])],
      curve.map((score, i) => [
        lateness(offsetsMs[i] ?? 0),
        score.toFixed(3),
        ...(after ? [after.evidence.curve[after.evidence.offsetsMs.indexOf(offsetsMs[i]!)]?.toFixed(3) ?? ''] : []),
      ]),
    )}
    ${table(
      'Faces',
      ['From', 'To', 'Height, share of the picture', 'Speaks'],
      faces.map(({ startS, endS, boxes, speaksS }) => [
        clock(startS),
        clock(endS),
        boxes.length === 0 ? '' : percent(boxes.reduce((sum, { height }) => sum + height, 0) / boxes.length),
        seconds(speaksS),
      ]),
    )}
    ${table(
      'Speech',
      ['From', 'To', 'Length'],
      speech.map(({ startS, endS }) => [clock(startS), clock(endS), seconds(endS - startS)]),
    )}
    ${table(
      'Shots',
      ['From', 'To', 'Length'],
      shotsS.map((startS, i) => {
        const endS = shotsS[i + 1] ?? durationS;
        return [clock(startS), clock(endS), seconds(endS - startS)];
      }),
    )}
  </section>`;
}

function table(name: string, head: readonly string[], rows: readonly (readonly string[])[]): Html {
  if (rows.length === 0) return html`<p class="none">${name}: none.</p>`;
  return html`<details>
    <summary>${name} <small>${rows.length === 1 ? '1 row' : `${rows.length} rows`}</small></summary>
    <div class="scroll" tabindex="0" role="region" aria-label="${name}">
      <table>
        <thead>
          <tr>
            ${head.map((words) => html`<th scope="col">${words}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, MOST_ROWS).map(
            ([first, ...others]) =>
              html`<tr>
                <th scope="row">${first}</th>
                ${others.map((cell) => html`<td>${cell}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${more(rows.length, MOST_ROWS)}
  </details>`;
}

function more(count: number, shown: number): Html {
  return count <= shown ? html`` : html`<p class="none">The first ${shown} of ${count}.</p>`;
}

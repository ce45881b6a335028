import { posix } from 'node:path';
import { fileUrl, html, type Html } from '@soundstage/html';
import { driftInWords, headline, lateness, percent, sureness } from '@soundstage/sync';
import { THERE, type BatchEntry } from '../../batch/entry.js';
import { clock } from '../../clock.js';
import { sentence, STATES } from '../../report/words.js';
import type { FilmView } from '../batch/film-view.js';
import { VERDICTS } from './verdicts.js';

/** One film of the batch: what was found, what was done, and where more of it lies. */
export function filmCard({ input, state, reason, clip }: BatchEntry<FilmView>, number: number): Html {
  const folder = posix.dirname(input.name);
  const verdict = clip?.before.verdict;
  return html`<article
    class="card state-${state} verdict-${verdict ?? 'none'}"
    id="film-${number}"
    aria-labelledby="name-${number}"
    data-name="${input.name}"
    data-state="${state}"
    data-verdict="${verdict}"
    data-offset="${clip?.before.offsetMs}"
    data-sure="${clip?.before.confidence}"
    data-repaired="${clip?.repaired && 'true'}"
  >
    <header>
      <h2 id="name-${number}">
        ${folder !== '.' && html`<span class="folder"><bdi>${folder}/</bdi></span>`}<bdi
          >${posix.basename(input.name)}</bdi
        >
      </h2>
      <span class="badge">${verdict === undefined ? STATES[state] : VERDICTS[verdict]}</span>
      ${clip?.repaired && html`<span class="badge">repaired</span>`}
      ${clip !== undefined && html`<span class="meta">${metaOf(clip)}</span>`}
    </header>
    ${reason !== undefined && reason !== THERE && html`<p class="reason">${sentence(reason)}</p>`}
    ${clip !== undefined && body(clip, posix.basename(input.name))}
  </article>`;
}

function body(film: FilmView, name: string): Html {
  const { before, after, output, report, warnings } = film;
  const sure = before.offsetMs === undefined ? '' : `, ${sureness(before.confidence)} (${percent(before.confidence)})`;
  return html`<div class="found">
      <div>
        <p class="said">${headline(before)}${sure}</p>
        <p>${before.detail} ${film.whatWasDone}</p>
        ${after !== undefined && html`<p>Measured again: ${headline(after)}.</p>`}
      </div>
      ${film.curve.length > 1 && curve(film)}
    </div>
    ${before.segments.length > 1 && parts(before.segments, name)}
    ${
      warnings.length > 0 &&
      html`<ul class="warnings">
        ${warnings.map((warning) => html`<li>${sentence(warning)}</li>`)}
      </ul>`
    }
    ${
      (report !== undefined || output !== undefined) &&
      html`<p class="links">
        ${report !== undefined && html`<a href="${fileUrl(report)}">All that it rests on<span class="of"> (${name})</span></a>`}
        ${output !== undefined && html`<a href="${fileUrl(output)}">The repaired film, <bdi>${posix.basename(output)}</bdi></a>`}
      </p>`
    }`;
}

/** How well lips and sound agree, from the earliest offset that was tried to the latest; zero is in the middle. */
function curve({ curve: points }: FilmView): Html {
  const [low, high] = [Math.min(...points), Math.max(...points)];
  const y = (value: number) => (high > low ? (38 * (high - value)) / (high - low) + 1 : 20).toFixed(1);
  const path = points.map((value, i) => `${((100 * i) / (points.length - 1)).toFixed(1)} ${y(value)}`).join('L');
  return html`<div class="curve" aria-hidden="true">
    <svg viewBox="0 0 100 40" preserveAspectRatio="none">
      <path class="zero" d="M50 0V40" />
      <path d="M${path}" />
    </svg>
    sound early ← agreement → sound late
  </div>`;
}

function parts(segments: FilmView['before']['segments'], name: string): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Parts of ${name}">
    <table class="parts">
      <thead>
        <tr>
          ${['From', 'To', 'The sound comes', 'Drift', 'Sure', 'Speech'].map((words) => html`<th scope="col">${words}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${segments.map(
          ({ startS, endS, offsetMs, driftPpm, confidence, speechS }) =>
            html`<tr>
              <td>${clock(startS)}</td>
              <td>${clock(endS)}</td>
              <td>${lateness(offsetMs)}</td>
              <td>${driftInWords(driftPpm)}</td>
              <td>${percent(confidence)}</td>
              <td>${speechS.toFixed(1)} s</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function metaOf({ durationS, tookS }: FilmView): string {
  return `${durationS.toFixed(1)} s · measured in ${tookS.toFixed(1)} s, ${(tookS / durationS).toFixed(2)} × real time`;
}

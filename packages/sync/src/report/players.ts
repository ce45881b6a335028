import { html, type Html } from '@soundstage/html';
import { clock } from './time-axis.js';
import { lateness } from './words.js';
import type { SyncMeasurement } from '../measurement.js';

/** Addresses relative to the page, encoded as such: `interview%20%231.mp4`. */
export interface Players {
  before: string;
  after?: string;
}

/** Seconds on either side of the place that is listened to again and again. */
export const LOOP_S = 2;

/** Before and after side by side: one button plays both pictures, a switch says whose sound is heard. */
export function playersSection({ before, after }: Players, { segments }: SyncMeasurement): Html {
  return html`<section aria-labelledby="players-title" id="players">
    <h2 id="players-title">${after === undefined ? 'Look and listen' : 'Before and after'}</h2>
    <div class="screens ${after === undefined && 'one'}">
      ${screen('before', before, after === undefined ? 'The film' : 'Before')}
      ${after !== undefined && screen('after', after, 'After the repair')}
    </div>
    <div class="transport">
      <button type="button" id="play" class="main" aria-pressed="false">Play</button>
      ${
        after !== undefined &&
        html`<fieldset class="choice" id="heard">
          <legend>Hear</legend>
          <label><input type="radio" name="heard" value="before" checked /> before</label>
          <label><input type="radio" name="heard" value="after" /> after</label>
        </fieldset>`
      }
      <label class="switch"><input type="checkbox" id="loop" /> Repeat ${LOOP_S} s around this place</label>
      <p class="time"><span id="now">0:00.00</span></p>
      <details class="keys">
        <summary>Keys</summary>
        <dl>
          ${[
            ['Space', 'play, pause'],
            ['← →', '1 s back, on'],
            [', .', 'a frame back, on'],
            ...(after === undefined ? [] : [['b', 'hear before or after']]),
            ['l', 'repeat around this place'],
            ['n p', 'next, previous segment'],
          ].map(
            ([keys, words]) =>
              html`<div>
                <dt>${keys!.split(' ').map((key) => html`<kbd>${key}</kbd> `)}</dt>
                <dd>${words}</dd>
              </div>`,
          )}
        </dl>
      </details>
    </div>
    ${
      segments.length > 1 &&
      html`<ul class="jumps" aria-label="Jump to a segment">
        ${segments.map(
          ({ startS, offsetMs }) =>
            html`<li>
              <button type="button" data-jump="${startS}">${clock(startS)} <small>${lateness(offsetMs)}</small></button>
            </li>`,
        )}
      </ul>`
    }
    <p class="note" id="unplayable" hidden>
      Your browser can’t play this here. <a href="${address(before)}">Open the film in a player</a>${
        after !== undefined && html`, or <a href="${address(after)}">the repaired one</a>`
      }.
    </p>
  </section>`;
}

/** A name can’t become a scheme, whoever encoded it. */
function address(relative: string): string {
  return relative.startsWith('.') ? relative : `./${relative}`;
}

function screen(id: string, path: string, words: string): Html {
  return html`<figure class="screen" data-screen="${id}">
    <video
      id="video-${id}"
      src="${address(path)}"
      preload="metadata"
      playsinline
      tabindex="-1"
      aria-label="${words}"
    ></video>
    <figcaption><b>${words}</b> <span class="heard-mark" hidden>heard</span></figcaption>
  </figure>`;
}

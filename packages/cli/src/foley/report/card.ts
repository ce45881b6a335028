import { posix } from 'node:path';
import { fileUrl, html, type Html } from '@soundstage/html';
import { THERE, type BatchEntry } from '../../batch/entry.js';
import { clock } from '../../clock.js';
import { capital, sentence, STATES } from '../../report/words.js';
import { LOW_TRUST, sceneInWords, trustInWords } from '../summary.js';
import type { ClipView, TakeView } from './clip-view.js';
import { timeline } from './timeline.js';

const WORTH_SHOWING = 0.02;

/** One input of the batch. `source`: the input, relative to the report. */
export function card(entry: BatchEntry<ClipView>, number: number, source: string): Html {
  const { input, state, reason, clip } = entry;
  const folder = posix.dirname(input.name);
  const top = clip?.classes[0];
  return html`<article
    class="card state-${state}"
    id="clip-${number}"
    tabindex="-1"
    aria-labelledby="name-${number}"
    data-name="${input.name}"
    data-state="${state}"
    data-trust="${clip?.timingTrust}"
    data-low="${clip !== undefined && hasLowTrust(clip) && 'true'}"
    data-class="${top?.label}"
    data-duration="${clip?.durationS}"
    data-warnings="${clip?.warnings.length ?? 0}"
  >
    <header>
      <h2 id="name-${number}">
        ${folder !== '.' && html`<span class="folder"><bdi>${folder}/</bdi></span>`}<bdi
          >${posix.basename(input.name)}</bdi
        >
      </h2>
      <span class="badge">${STATES[state]}</span>
      ${clip !== undefined && html`<span class="meta">${metaOf(clip)}</span>`}
    </header>
    ${reason !== undefined && reason !== THERE && html`<p class="reason">${sentence(reason)}</p>`}
    ${clip !== undefined && body(clip, { number, name: posix.basename(input.name), source, isVideo: input.kind === 'video' })}
  </article>`;
}

/** Whether the times of its hits are little better than guesses. */
export function hasLowTrust({ timingTrust }: ClipView): boolean {
  return timingTrust !== undefined && timingTrust < LOW_TRUST;
}

interface Place {
  number: number;
  name: string;
  source: string;
  isVideo: boolean;
}

function body(clip: ClipView, place: Place): Html {
  const { takes, warnings } = clip;
  return html`${takes.length > 1 && takeChoice(takes, place)}
    ${takes.map((take, index) => takeSection(clip, take, index, place))}
    ${
      warnings.length > 0 &&
      html`<ul class="warnings">
        ${warnings.map((warning) => html`<li>${sentence(warning)}</li>`)}
      </ul>`
    }
    <div class="facts">${classesOf(clip)}${factsOf(clip)}</div>`;
}

function takeChoice(takes: readonly TakeView[], { number }: Place): Html {
  return html`<fieldset class="takes">
    <legend>Takes</legend>
    ${takes.map(
      (take, index) =>
        html`<label
          ><input type="radio" name="take-${number}" value="${index}" ${index === 0 && html`checked`} /> Seed
          ${take.seed ?? index + 1}</label
        >`,
    )}
  </fieldset>`;
}

function takeSection(clip: ClipView, take: TakeView, index: number, place: Place): Html {
  const { stills, durationS } = clip;
  const several = clip.takes.length > 1;
  const label = several ? `${place.name}, seed ${take.seed ?? index + 1}` : place.name;
  return html`<section class="take" data-take="${index}" aria-label="${label}">
    <div class="screen">${player(clip, take, place, label)}</div>
    <div class="film">
      ${timeline(take, durationS, label)}
      ${
        index === 0 &&
        stills.length > 0 &&
        html`<ul class="stills">
          ${stills.map(
            ({ timeS, words, jpegBase64 }) =>
              html`<li>
                <button type="button" data-jump="${timeS}">
                  <img src="data:image/jpeg;base64,${jpegBase64}" alt="" />
                  <span>${clip.still ? words : `${clock(timeS)} ${words}`}</span>
                </button>
              </li>`,
          )}
        </ul>`
      }
      ${
        take.drawnHits.length > 0 &&
        html`<details class="hit-list">
          <summary>${take.hits === 1 ? '1 hit' : `${take.hits} hits`} as a list</summary>
        </details>`
      }
    </div>
    ${takeFacts(take)}
  </section>`;
}

/** The page's script gives the player its poster: the first of the stills, which is in the page already. */
function player({ stills, durationS, still }: ClipView, take: TakeView, place: Place, label: string): Html {
  const path = take.video ?? (place.isVideo && !still ? place.source : undefined);
  if (path === undefined)
    return stills[0] === undefined
      ? html``
      : html`<img src="data:image/jpeg;base64,${stills[0].jpegBase64}" alt="${label}" />`;
  return html`<video
      controls
      playsinline
      preload="none"
      src="${fileUrl(path)}"
      aria-label="${label}, ${clock(durationS)}"
    ></video>
    <p class="unplayable" hidden>
      Your browser can’t play this file. <a href="${fileUrl(path)}">Open it in a player</a>
    </p>`;
}

function takeFacts(take: TakeView): Html {
  const { loudnessLufs, truePeakDbtp, sounds, video, cues } = take;
  const used = [...new Map(sounds.map((sound) => [sound.name, sound])).values()];
  return html`<dl class="take-facts">
    ${
      take.hits !== undefined &&
      html`<div>
        <dt>Hits</dt>
        <dd>${take.hits}</dd>
      </div>`
    }
    ${
      take.layers !== undefined &&
      html`<div>
        <dt>Layers</dt>
        <dd>${take.layers}</dd>
      </div>`
    }
    ${
      loudnessLufs !== undefined &&
      html`<div>
        <dt>Loudness</dt>
        <dd>${minus(loudnessLufs)} LUFS</dd>
      </div>`
    }
    ${
      truePeakDbtp !== undefined &&
      html`<div>
        <dt>True peak</dt>
        <dd>${minus(truePeakDbtp)} dBTP</dd>
      </div>`
    }
    ${
      used.length > 0 &&
      html`<div class="wide">
        <dt>Sounds</dt>
        <dd>
          ${used.slice(0, 8).map(({ name, licence }, i) => html`${i > 0 && ', '}${name} <small>${licence}</small>`)}${used.length > 8 && ` and ${used.length - 8} more`}
        </dd>
      </div>`
    }
    <div class="wide files">
      <dt>Files</dt>
      <dd>
        ${video !== undefined && html`<a href="${fileUrl(video)}"><bdi>${posix.basename(video)}</bdi></a>`}
        ${cues !== undefined && html`<a href="${fileUrl(cues)}"><bdi>${posix.basename(cues)}</bdi></a>`}
      </dd>
    </div>
  </dl>`;
}

function classesOf({ classes, scene }: ClipView): Html {
  const worth = classes.filter(({ confidence }) => confidence >= WORTH_SHOWING);
  return html`<div class="heard">
    <h3>Heard in it</h3>
    ${
      worth.length === 0
        ? html`<p class="none">nothing certain</p>`
        : html`<ul>
            ${worth.map(
              ({ label, confidence }) =>
                html`<li>
                  <span>${label}</span><span class="bar"><i style="width:${Math.round(confidence * 100)}%"></i></span
                  ><span class="percent">${Math.round(confidence * 100)} %</span>
                </li>`,
            )}
          </ul>`
    }
    ${scene !== undefined && html`<p class="scene">${capital(sceneInWords(scene))}.</p>`}
  </div>`;
}

function factsOf(clip: ClipView): Html {
  const { timingTrust, takes } = clip;
  if ((takes[0]?.hits ?? 0) === 0) return html``;
  return html`<div class="trust ${hasLowTrust(clip) && 'low'}">
    <h3>Timing</h3>
    <p>${capital(trustInWords(timingTrust))}.</p>
  </div>`;
}

function metaOf({ durationS, tookS }: ClipView): string {
  const took =
    tookS === undefined ? '' : ` · made in ${tookS.toFixed(1)} s, ${(tookS / durationS).toFixed(2)} × real time`;
  return `${durationS.toFixed(1)} s${took}`;
}

function minus(value: number): string {
  return value.toFixed(1).replace('-', '−');
}

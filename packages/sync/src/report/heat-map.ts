import { html, type Html } from '@soundstage/html';
import type { SeenFace, SyncMeasurement } from '../measurement.js';
import { heatGrid, type HeatGrid } from './heat-grid.js';
import { edge, offsetTicks, tickWords } from './offset-axis.js';
import { clock, share, timeAxis } from './time-axis.js';
import { lateness, offsetAt } from './words.js';

/** The drawing's own units; it is stretched to the width of the page. */
const UNITS = 1000;
const MOST_DRAWN = 400;
const MOST_FACE_LANES = 3;
/** Segments that have their offset written beside them; more would lie over each other. */
const MOST_PILLS = 8;

/** One of the measurements that the map can show. */
export interface MappedMeasurement {
  id: 'before' | 'after';
  measurement: SyncMeasurement;
  grid: HeatGrid | undefined;
}

export function mapped(id: MappedMeasurement['id'], measurement: SyncMeasurement): MappedMeasurement {
  return { id, measurement, grid: heatGrid(measurement.evidence, measurement.durationS) };
}

/**
 * How lips and sound agree over the film's time and the offset, with the segments over it, and beneath it on the same
 * axis what it was measured on. The cells come to the page's script in `mapData`, which draws them.
 */
export function heatMap(maps: readonly MappedMeasurement[], canPlay: boolean): Html {
  const { measurement } = maps[0]!;
  const { durationS, evidence } = measurement;
  return html`<section aria-labelledby="map-title">
    <h2 id="map-title">Agreement over offset and time</h2>
    <p class="hint">
      The brighter, the better lips and sound agree at this offset, at this place of the film. Dark stripes: nothing to
      measure there, for example silence. The red line is the answer.
    </p>
    ${
      maps.length > 1 &&
      html`<fieldset class="choice" id="map-choice">
        <legend>Measured</legend>
        <label><input type="radio" name="map" value="before" checked /> before the repair</label>
        <label><input type="radio" name="map" value="after" /> after it</label>
      </fieldset>`
    }
    <noscript
      ><p class="note">
        The map is drawn by a script, which this browser doesn’t run. The tables below tell the same.
      </p></noscript
    >
    <div class="film" id="map">
      ${maps.map((each, i) => surface(each, i > 0))} ${lanes(evidence, durationS)} ${timeAxis(durationS)}
      <div
        class="place"
        id="place"
        role="slider"
        tabindex="0"
        aria-label="Place in the film"
        aria-valuemin="0"
        aria-valuemax="${Math.round(durationS * 100) / 100}"
        aria-valuenow="0"
        aria-valuetext="0:00.00"
      >
        <span class="playhead"></span>
      </div>
      <p class="legend" aria-hidden="true"><span>agrees less</span><i></i><span>more</span></p>
    </div>
    <p class="readout">
      <output id="readout" for="place"
        >${canPlay ? 'Click into the map' : 'Click into the map, or use the arrow keys,'} to see what was measured
        there.</output
      >
    </p>
  </section>`;
}

/** What the page's script draws and reads out. */
export function mapData(maps: readonly MappedMeasurement[]): unknown {
  return {
    durationS: maps[0]!.measurement.durationS,
    maps: maps.flatMap(({ id, grid }) =>
      grid ? [{ ...grid, id, cells: Buffer.from(grid.cells).toString('base64') }] : [],
    ),
    segments: maps[0]!.measurement.segments.map(({ startS, endS }) => [startS, endS]),
  };
}

function surface({ id, measurement, grid }: MappedMeasurement, hidden: boolean): Html {
  const { durationS, segments, evidence } = measurement;
  const firstMs = grid?.firstMs ?? evidence.offsetsMs[0] ?? -1000;
  const lastMs = grid?.lastMs ?? evidence.offsetsMs.at(-1) ?? 1000;
  const y = (offsetMs: number) =>
    Math.max(4, Math.min(UNITS - 4, round((1 - (offsetMs - firstMs) / (lastMs - firstMs || 1)) * UNITS)));
  const up = (offsetMs: number) => Math.max(0, Math.min(1, (offsetMs - firstMs) / (lastMs - firstMs || 1)));
  const x = (timeS: number) => round(Math.max(0, Math.min(1, timeS / durationS)) * UNITS);
  const line = segments.map(
    (each) => `M${x(each.startS)} ${y(offsetAt(each, each.startS))}L${x(each.endS)} ${y(offsetAt(each, each.endS))}`,
  );
  const breaks = segments.slice(1).map(({ startS }) => `M${x(startS)} 0V${UNITS}`);
  return html`<div class="row surface" data-map="${id}" ${hidden && html`hidden`}>
    <div class="labels" aria-hidden="true">
      ${offsetTicks(firstMs, lastMs, 6).map(
        (tick) =>
          html`<span class="${edge(up(tick))}" style="bottom:${round(up(tick) * 100)}%">${tickWords(tick)}</span>`,
      )}
    </div>
    <div class="plot" role="img" aria-label="${mapInWords(measurement, grid)}">
      <canvas width="${grid?.columns ?? 1}" height="${grid?.rows ?? 1}"></canvas>
      <svg viewBox="0 0 ${UNITS} ${UNITS}" preserveAspectRatio="none" aria-hidden="true">
        <path class="zero" d="M0 ${y(0)}H${UNITS}" />
        ${breaks.length > 0 && html`<path class="break" d="${breaks.join('')}" />`}
        ${line.length > 0 && html`<path class="answer" d="${line.join('')}" />`}
      </svg>
      ${
        segments.length <= MOST_PILLS &&
        segments.map((each) => {
          const offsetMs = offsetAt(each, each.startS);
          return html`<span
            class="pill ${up(offsetMs) > 0.85 && 'below'}"
            style="left:${share(each.startS, durationS)};bottom:${round(up(offsetMs) * 100)}%"
            aria-hidden="true"
            >${lateness(offsetMs)}</span
          >`;
        })
      }
      <span class="corner top-corner" aria-hidden="true">sound late ↑</span>
      <span class="corner bottom-corner" aria-hidden="true">sound early ↓</span>
      ${!grid && html`<p class="empty">Nothing could be compared.</p>`}
    </div>
  </div>`;
}

function mapInWords({ segments }: SyncMeasurement, grid: HeatGrid | undefined): string {
  if (!grid) return 'Map of agreement: empty, since nothing could be compared.';
  const tried = `Map of agreement for offsets from ${lateness(grid.firstMs)} to ${lateness(grid.lastMs)}.`;
  if (segments.length === 0) return `${tried} No offset stands out.`;
  const parts = segments
    .slice(0, 12)
    .map(({ startS, endS, offsetMs }) => `${clock(startS)} to ${clock(endS)}: ${lateness(offsetMs)}`);
  return `${tried} The answer: ${parts.join('; ')}${segments.length > 12 ? ', and more, see the table' : ''}.`;
}

function lanes({ shotsS, speech, faces }: SyncMeasurement['evidence'], durationS: number): Html {
  const shots = shotsS.map((startS, i) => ({ startS, endS: shotsS[i + 1] ?? durationS }));
  return html`${lane('Shots', 'shot', shots, durationS)} ${lane('Speech', 'speech', speech, durationS)}
  ${faceLanes(faces, durationS)}`;
}

function lane(name: string, kind: string, spans: readonly { startS: number; endS: number }[], durationS: number): Html {
  const counted = spans.length === 0 ? 'none' : String(spans.length);
  return html`<div class="row lane">
    <div class="labels" aria-hidden="true"><b>${name}</b></div>
    <div class="plot" role="img" aria-label="${name}: ${counted}. They are listed below.">
      ${merged(spans, durationS).map((span, i) => bar(span, durationS, `${kind} ${i % 2 === 1 ? 'odd' : ''}`))}
    </div>
  </div>`;
}

/** Faces that are seen at the same time lie beneath each other; how high a bar's fill is tells how high the face is. */
function faceLanes(faces: readonly SeenFace[], durationS: number): Html {
  const rows: SeenFace[][] = [];
  for (const face of faces.slice(0, MOST_DRAWN).toSorted((a, b) => a.startS - b.startS)) {
    const free = rows.find((row) => row.at(-1)!.endS <= face.startS + 0.05);
    if (free) free.push(face);
    else if (rows.length < MOST_FACE_LANES) rows.push([face]);
  }
  if (rows.length === 0) return lane('Faces', 'face', [], durationS);
  return html`${rows.map(
    (row, i) =>
      html`<div class="row lane tall">
        <div class="labels" aria-hidden="true">${i === 0 && html`<b>Faces</b>`}</div>
        <div
          class="plot"
          role="img"
          aria-label="Faces${i > 0 && `, row ${i + 1}`}: ${row.length}. They are listed below."
        >
          ${row.map((face) => faceBar(face, durationS))}
        </div>
      </div>`,
  )}`;
}

function faceBar(face: SeenFace, durationS: number): Html {
  const { startS, endS, boxes, speaksS } = face;
  const lengthS = Math.max(1e-3, endS - startS);
  const points = boxes
    .filter((_, i) => i % Math.ceil(boxes.length / 120) === 0)
    .map(
      ({ timeS, height }) =>
        [
          round(Math.max(0, Math.min(1, (timeS - startS) / lengthS)) * 100),
          round(100 - Math.min(1, height) * 100),
        ] as const,
    );
  const [first, last] = [points[0], points.at(-1)];
  const path =
    first && last && `M0 100L0 ${first[1]}${points.map(([x, y]) => `L${x} ${y}`).join('')}L100 ${last[1]}L100 100Z`;
  return html`<span class="bar face ${speaksS > 0 && 'speaks'}" style="${place(startS, endS, durationS)}">
    ${path && html`<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"><path d="${path}" /></svg>`}
  </span>`;
}

/** A film of many hours has more spans than a screen has pixels: neighbours that can't be told apart are one. */
function merged(
  spans: readonly { startS: number; endS: number }[],
  durationS: number,
): { startS: number; endS: number }[] {
  if (spans.length <= MOST_DRAWN) return [...spans];
  const leastS = durationS / MOST_DRAWN;
  const joined: { startS: number; endS: number }[] = [];
  for (const { startS, endS } of spans) {
    const last = joined.at(-1);
    if (last && (startS - last.endS < leastS / 4 || endS - last.startS < leastS)) last.endS = Math.max(last.endS, endS);
    else joined.push({ startS, endS });
  }
  return joined;
}

function bar({ startS, endS }: { startS: number; endS: number }, durationS: number, kind: string): Html {
  return html`<span class="bar ${kind}" style="${place(startS, endS, durationS)}"></span>`;
}

function place(startS: number, endS: number, durationS: number): string {
  return `left:${share(startS, durationS)};width:${share(Math.max(0, endS - startS), durationS)}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

import type { TakeView } from './clip-view.js';
import { type Html, html } from '@soundstage/html';

/** Heights of the lanes, in units of the drawing: hits above, the wave below them, then one lane for each layer. */
const HITS = 34;
const WAVE = 84;
const LAYER = 26;
const WIDTH = 1000;

/** Steps of the axis: the first one that gives at most so many marks is taken. */
const AXIS_STEPS_S = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const MOST_MARKS = 10;

/**
 * What sounds when: hits as lines as high as they are strong, the waveform of the finished sound, and the envelope of
 * each layer. It is a slider for the player beside it; the page's script makes it work.
 */
export function timeline(take: TakeView, durationS: number, name: string): Html {
  const [hitsHigh, waveHigh] = [take.drawnHits.length > 0 ? HITS : 0, take.peaks.length > 0 ? WAVE : 0];
  const layersTop = hitsHigh + waveHigh;
  // Where nothing is drawn, there is still a line to go along.
  const height = Math.max(LAYER, layersTop + take.drawnLayers.length * LAYER);
  const x = (timeS: number) => Math.round((Math.max(0, Math.min(durationS, timeS)) / durationS) * WIDTH * 10) / 10;
  const hits = take.drawnHits.map(({ timeS, strength }) => `M${x(timeS)} ${HITS}V${round(HITS - 4 - 28 * strength)}`);
  const data = JSON.stringify(take.drawnHits.map((hit) => [hit.timeS, hit.strength, hit.class]));
  return html`<div
      class="timeline"
      role="slider"
      tabindex="0"
      aria-label="Position in ${name}"
      aria-valuemin="0"
      aria-valuemax="${round(durationS)}"
      aria-valuenow="0"
      aria-valuetext="0:00"
      data-duration="${durationS}"
      data-hits="${data}"
    >
      <svg viewBox="0 0 ${WIDTH} ${height}" height="${height}" preserveAspectRatio="none" aria-hidden="true">
        ${hitsHigh > 0 && html`<path class="ground" d="M0 ${HITS}H${WIDTH}" />`}
        ${take.peaks.length > 0 && html`<path class="wave" d="${wavePath(take.peaks, hitsHigh)}" />`}
        ${take.drawnLayers.map((layer, index) => layerPath(layer, layersTop + index * LAYER, x))}
        ${hits.length > 0 && html`<path class="hits" d="${hits.join('')}" />`}
      </svg>
      ${take.drawnLayers.map(
        (layer, index) => html`<span class="lane" style="top:${layersTop + index * LAYER}px">${layer.class}</span>`,
      )}
      <span class="playhead"></span>
    </div>
    <div class="axis" aria-hidden="true">${axis(durationS)}</div>`;
}

function wavePath(peaks: readonly number[], top: number): string {
  const middle = top + WAVE / 2;
  const loudest = Math.max(1, ...peaks);
  const step = WIDTH / peaks.length;
  const at = (peak: number) => round((peak / loudest) * (WAVE / 2 - 3) + 0.4);
  const above = peaks.map((peak, i) => `${round(i * step)} ${round(middle - at(peak))}`);
  const below = peaks.map((peak, i) => `${round(i * step)} ${round(middle + at(peak))}`).reverse();
  return `M${above.join('L')}L${below.join('L')}Z`;
}

function layerPath(
  { startS, endS, levels }: TakeView['drawnLayers'][number],
  top: number,
  x: (timeS: number) => number,
): Html {
  const bottom = top + LAYER - 2;
  const points = levels.map((level, i) => {
    const timeS = startS + ((endS - startS) * i) / Math.max(1, levels.length - 1);
    return `${x(timeS)} ${round(bottom - level * (LAYER - 6))}`;
  });
  return html`<path class="layer" d="M${x(startS)} ${bottom}L${points.join('L')}L${x(endS)} ${bottom}Z" />`;
}

function axis(durationS: number): Html[] {
  const step = AXIS_STEPS_S.find((each) => durationS / each <= MOST_MARKS) ?? 3600;
  const marks = Array.from({ length: Math.floor(durationS / step) + 1 }, (_, i) => i * step);
  // A mark at the very end would stand outside.
  return marks
    .filter((timeS) => timeS / durationS < 0.96)
    .map((timeS) => html`<span style="left:${round((timeS / durationS) * 100)}%">${axisWords(timeS)}</span>`);
}

function axisWords(timeS: number): string {
  if (timeS < 60) return `${timeS} s`;
  const [hours, minutes, seconds] = [Math.floor(timeS / 3600), Math.floor(timeS / 60) % 60, timeS % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

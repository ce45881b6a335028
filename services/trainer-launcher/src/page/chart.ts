import { html, type Html } from '@soundstage/html';
import { inWords } from '../compare-runs.js';

/** A line of a chart. */
export interface Series {
  label: string;
  /** 0 to 3: which colour. */
  colour: number;
  dashed: boolean;
  points: readonly (readonly [step: number, value: number])[];
}

const WIDTH = 560;
const HEIGHT = 260;
const LEFT = 62;
const RIGHT = 14;
const TOP = 12;
const BOTTOM = 30;
/** From this ratio of the largest to the smallest value on, the axis is logarithmic. */
const WIDE = 50;

/** Values over steps as a picture, with axes, and a table of where each line began, was least and most, and ended. */
export function chart(title: string, series: readonly Series[]): Html {
  const drawn = series.filter(({ points }) => points.length > 0);
  const values = drawn.flatMap(({ points }) => points.map(([, value]) => value));
  const [least, most] = rangeOf(values);
  const isLogarithmic = least > 0 && most / least >= WIDE;
  const scale = isLogarithmic ? Math.log10 : (value: number) => value;
  const ticks = isLogarithmic ? decades(least, most) : roundTicks(least, most, 5);
  const [bottom, top] = rangeOf([scale(least), scale(most), ...ticks.map(scale)]);
  const [, lastStep] = rangeOf(drawn.flatMap(({ points }) => points.map(([step]) => step)));
  const x = (step: number) => LEFT + ((WIDTH - LEFT - RIGHT) * step) / Math.max(1, lastStep);
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (scale(value) - bottom) / (top - bottom || 1));
  const path = (points: Series['points']) =>
    points.map(([step, value], i) => `${i === 0 ? 'M' : 'L'}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join('');
  return html`
    <figure>
      <figcaption>
        ${title}${isLogarithmic ? html` <small>logarithmic</small>` : ''}
        <span class="legend"
          >${drawn.map(({ label, colour, dashed }) => html`<span><i class="c${colour}${dashed ? ' dashed' : ''}"></i>${label}</span>`)}</span
        >
      </figcaption>
      <svg
        viewBox="0 0 ${WIDTH} ${HEIGHT}"
        role="img"
        aria-label="${title} over steps: ${drawn.map(inSentence).join('; ')}"
      >
        ${ticks.map(
          (tick) =>
            html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}" /><text
                x="${LEFT - 8}"
                y="${y(tick) + 4}"
                text-anchor="end"
                >${shortly(tick)}</text
              >`,
        )}
        ${roundTicks(0, Math.max(1, lastStep), 6)
          .filter((step) => step <= Math.max(1, lastStep))
          .map((step) => html`<text x="${x(step)}" y="${HEIGHT - 10}" text-anchor="middle">${shortly(step)}</text>`)}
        ${drawn.map(({ colour, dashed, points }) =>
          points.length === 1
            ? html`<circle class="c${colour}" cx="${x(points[0]![0])}" cy="${y(points[0]![1])}" r="4" />`
            : html`<path class="c${colour}${dashed ? ' dashed' : ''}" d="${path(points)}" />`,
        )}
      </svg>
      <table class="small">
        <tr>
          <th scope="col">curve</th>
          <th scope="col">first</th>
          <th scope="col">least</th>
          <th scope="col">most</th>
          <th scope="col">last</th>
          <th scope="col">at step</th>
        </tr>
        ${drawn.map(({ label, points }) => {
          const [low, high] = rangeOf(points.map(([, value]) => value));
          const cells = [points[0]![1], low, high, points.at(-1)![1], points.at(-1)![0]];
          return html`<tr>
            <th scope="row">${label}</th>
            ${cells.map((value) => html`<td>${shortly(value)}</td>`)}
          </tr>`;
        })}
      </table>
    </figure>
  `;
}

function inSentence({ label, points }: Series): string {
  return `${label} from ${shortly(points[0]![1])} to ${shortly(points.at(-1)![1])}`;
}

/** Not by Math.min(…): a chart may have more points than a call takes arguments. */
function rangeOf(values: readonly number[]): [least: number, most: number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return values.length > 0 ? [least, most] : [0, 1];
}

/** Round values that enclose a range, about so many. */
function roundTicks(least: number, most: number, about: number): number[] {
  const span = most - least || Math.abs(most) || 1;
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((each) => each * power >= rough) ?? 10);
  const first = Math.floor(least / step);
  const last = Math.max(first + 1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: Math.min(50, last - first + 1) }, (_, i) => (first + i) * step);
}

function decades(least: number, most: number): number[] {
  const first = Math.floor(Math.log10(least));
  const last = Math.ceil(Math.log10(most));
  const every = Math.ceil((last - first + 1) / 8);
  return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => 10 ** (first + i * every));
}

function shortly(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3))
    return value.toExponential(2).replace(/\.?0+e/, 'e');
  return inWords(Number(value.toPrecision(4)));
}

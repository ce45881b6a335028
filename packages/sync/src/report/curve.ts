import { html, type Html } from '@soundstage/html';
import type { SyncMeasurement } from '../measurement.js';
import { edge, offsetTicks, tickWords } from './offset-axis.js';
import { lateness, NOTICED_MS } from './words.js';

const UNITS = 1000;

/** How well lips and sound agree at each offset over the whole film, before and, where there is one, after the repair. */
export function curveChart(before: SyncMeasurement, after: SyncMeasurement | undefined): Html {
  const lines = [before, ...(after ? [after] : [])].filter(({ evidence }) => evidence.curve.length > 1);
  const offsets = lines.flatMap(({ evidence }) => [evidence.offsetsMs[0]!, evidence.offsetsMs.at(-1)!]);
  if (lines.length === 0 || offsets.length === 0) return html``;
  const [firstMs, lastMs] = [Math.min(...offsets), Math.max(...offsets)];
  const [least, most] = rangeOf(lines.flatMap(({ evidence }) => evidence.curve).filter(Number.isFinite));
  const x = (ms: number) => round(((ms - firstMs) / (lastMs - firstMs)) * UNITS);
  const y = (score: number) => round((1 - (score - least) / (most - least)) * (UNITS - 60) + 30);
  const path = ({ evidence }: SyncMeasurement) =>
    evidence.curve.map((score, i) => `${x(evidence.offsetsMs[i]!)} ${y(Number.isFinite(score) ? score : 0)}`).join('L');
  const [bandFrom, bandTo] = [Math.max(firstMs, NOTICED_MS.early), Math.min(lastMs, NOTICED_MS.late)];
  return html`<section aria-labelledby="curve-title">
    <h2 id="curve-title">Agreement by offset</h2>
    <p class="hint">
      Over the whole film: 1 is the best, 0 the mean. One clear peak is a sure answer. The green band is what viewers
      don’t notice: ${-NOTICED_MS.early} ms early to ${NOTICED_MS.late} ms late (ITU-R BT.1359).
    </p>
    <div class="chart" role="img" aria-label="${inWords(before, after)}">
      <svg viewBox="0 0 ${UNITS} ${UNITS}" preserveAspectRatio="none" aria-hidden="true">
        <rect class="band" x="${x(bandFrom)}" y="0" width="${Math.max(0, x(bandTo) - x(bandFrom))}" height="${UNITS}" />
        <path class="ground" d="M0 ${y(0)}H${UNITS}M${x(0)} 0V${UNITS}" />
        ${before.offsetMs !== undefined && html`<path class="found" d="M${x(before.offsetMs)} 0V${UNITS}" />`}
        <path class="before" d="M${path(before)}" />
        ${after && after.evidence.curve.length > 1 && html`<path class="after" d="M${path(after)}" />`}
      </svg>
      ${offsetTicks(firstMs, lastMs, 4).map(
        (tick, i) =>
          html`<span
            class="tick ${edge(x(tick) / UNITS)} ${i % 2 === 1 && 'odd'}"
            aria-hidden="true"
            style="left:${x(tick) / 10}%"
            >${tickWords(tick)}</span
          >`,
      )}
    </div>
    <p class="key">
      <span><i class="before"></i>${after ? 'before the repair' : 'measured'}</span>
      ${after && html`<span><i class="after"></i>after it</span>`}
      <span class="aside">left: sound early · right: sound late</span>
    </p>
  </section>`;
}

function inWords(before: SyncMeasurement, after: SyncMeasurement | undefined): string {
  const best = ({ evidence }: SyncMeasurement) => {
    const { curve, offsetsMs } = evidence;
    if (curve.length === 0) return 'nothing could be compared';
    return `best at ${lateness(offsetsMs[curve.indexOf(Math.max(...curve))] ?? 0)}`;
  };
  return `Curve of agreement by offset: ${best(before)}${after ? `; after the repair ${best(after)}` : ''}. The numbers are in a table below.`;
}

function rangeOf(values: readonly number[]): [number, number] {
  const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [0, 1]);
  return [least, most > least ? most : least + 1];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

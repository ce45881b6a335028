import type { DatasetVersion, LabelCounts } from '@soundstage/contracts';
import { SPLITS, type PlacedClip, type Rejected, type SplitName } from '../dataset-clip.js';
import { html, type Html } from '@soundstage/html';

/** Rows that a table shows; it says how many more there are. */
const MOST_LABEL_ROWS = 300;
const MOST_REJECTED_ROWS = 500;
const DURATION_BINS = 24;

const grouped = (count: number) => count.toLocaleString('en-GB');
const share = (part: number, of: number) => (of === 0 ? '0 %' : `${((100 * part) / of).toFixed(1)} %`);

/** How many clips of a label are in the dataset. */
export function clipCount({ clips }: LabelCounts): number {
  return clips ? clips.train + clips.validation + clips.test : 0;
}

export function durationWords(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The figures of the whole, and what a person should know. */
export function overview(version: DatasetVersion): Html {
  const { clips, profile, parentVersion } = version;
  const counts = clips ?? { train: 0, validation: 0, test: 0 };
  const all = counts.train + counts.validation + counts.test;
  const figure = (words: string, value: string, more = '') =>
    html`<div>
      <dt>${words}</dt>
      <dd>${value}${more && html` <small>${more}</small>`}</dd>
    </div>`;
  const unknown = version.unknownDurationCount;
  return html`<header class="top">
      <p class="kind">Dataset</p>
      <h1><bdi>${version.name}</bdi></h1>
      <p class="id">
        Version
        <code title="${version.id}">${version.id.slice(0, 12)}</code
        >${profile && html`, profile <b>${profile}</b>`}${parentVersion && html`, follows <code title="${parentVersion}">${parentVersion.slice(0, 12)}</code>`}.
        ${methodWords(version)}
      </p>
      <dl class="figures">
        ${figure('Clips', grouped(all), `from ${grouped(version.sourceCount)} ${version.sourceCount === 1 ? 'source' : 'sources'}`)}
        ${SPLITS.map((split) => figure(split, grouped(counts[split]), share(counts[split], all)))}
        ${figure('Labels', grouped(version.labels.filter((label) => clipCount(label) > 0).length))}
        ${figure('Length', unknown === all ? 'unknown' : durationWords(version.durationS), unknown > 0 && unknown < all ? `${grouped(unknown)} unknown` : '')}
        ${figure('Rejected', grouped(version.rejectedCount))}
      </dl>
    </header>
    ${
      version.warnings.length > 0 &&
      html`<section class="warnings" aria-label="Warnings">
        <ul>
          ${version.warnings.map((warning) => html`<li>${warning}</li>`)}
        </ul>
      </section>`
    } `;
}

function methodWords({ folds, seed, ...version }: DatasetVersion): string {
  const { trainShare, validationShare, testShare } = version;
  if (folds > 0) {
    const out = testShare > 0 ? `, ${share(testShare, 1)} kept out as test` : '';
    return `${folds} folds by source, seed ${seed}${out}.`;
  }
  if (trainShare + testShare === 0) {
    return validationShare > 0
      ? `Divided as the dataset says itself, with ${share(validationShare, 1)} of its training clips for validation, seed ${seed}.`
      : 'Divided as the dataset says itself.';
  }
  return `Divided by source into ${[trainShare, validationShare, testShare].map((s) => share(s, 1)).join(', ')}, seed ${seed}.`;
}

/** What became of the clips since the version before. */
export function changes(counts: Readonly<Record<string, number>>): Html {
  return html`<section aria-labelledby="changes-title">
    <h2 id="changes-title">Since the version before</h2>
    <dl class="changes">
      ${Object.entries(counts).map(
        ([words, count]) =>
          html`<div>
            <dt>${words}</dt>
            <dd>${grouped(count)}</dd>
          </div>`,
      )}
    </dl>
  </section> `;
}

/** Clips of each label by split, as bars and as numbers. */
export function labelHistogram(labels: readonly LabelCounts[]): Html {
  const ordered = labels.toSorted((a, b) => clipCount(b) - clipCount(a));
  const shown = ordered.slice(0, MOST_LABEL_ROWS);
  const most = Math.max(1, ...ordered.map(clipCount));
  const bar = (count: number, split: SplitName) =>
    count > 0 && html`<i class="${split}" style="width:${((100 * count) / most).toFixed(2)}%"></i>`;
  const row = (label: LabelCounts) => {
    const clips = label.clips!;
    return html`<tr>
      <th scope="row"><bdi>${label.label || '(no label)'}</bdi></th>
      <td class="bars" aria-hidden="true"><span>${SPLITS.map((split) => bar(clips[split], split))}</span></td>
      ${SPLITS.map((split) => html`<td>${grouped(clips[split])}</td>`)}
      <td>${grouped(clipCount(label))}</td>
      <td>${label.rejected > 0 && grouped(label.rejected)}</td>
    </tr>`;
  };
  return html`<section aria-labelledby="labels-title">
    <h2 id="labels-title">Labels</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of the labels">
      <table class="labels">
        <thead>
          <tr>
            <th scope="col">Label</th>
            <td></td>
            ${SPLITS.map((split) => html`<th scope="col"><i class="key ${split}"></i>${split}</th>`)}
            <th scope="col">all</th>
            <th scope="col">rejected</th>
          </tr>
        </thead>
        <tbody>
          ${shown.map(row)}
        </tbody>
      </table>
    </div>
    ${ordered.length > shown.length && html`<p>The ${grouped(shown.length)} largest of ${grouped(ordered.length)} labels.</p>`}
  </section> `;
}

/** How long the clips are: equal bins from the shortest to the longest, by split. */
export function durationHistogram(clips: readonly PlacedClip[]): Html {
  const known = clips.filter(({ durationS }) => durationS > 0);
  if (known.length === 0) return html``;
  const shortest = known.reduce((least, { durationS }) => Math.min(least, durationS), Infinity);
  const longest = known.reduce((most, { durationS }) => Math.max(most, durationS), 0);
  const widthS = Math.max((longest - shortest) / DURATION_BINS, 0.1);
  const bins = Array.from({ length: DURATION_BINS }, () => ({ train: 0, validation: 0, test: 0 }));
  for (const { durationS, split } of known) {
    bins[Math.min(DURATION_BINS - 1, Math.floor((durationS - shortest) / widthS))]![split]++;
  }
  while (bins.length > 1 && sum(bins.at(-1)!) === 0) bins.pop();
  const most = Math.max(...bins.map(sum));
  const column = (bin: Record<SplitName, number>) =>
    html`<span class="column"
      >${SPLITS.map((split) => bin[split] > 0 && html`<i class="${split}" style="height:${((100 * bin[split]) / most).toFixed(2)}%"></i>`)}</span
    >`;
  const words = `Lengths of ${grouped(known.length)} clips, ${durationWords(shortest)} to ${durationWords(longest)}`;
  return html`<section aria-labelledby="lengths-title">
    <h2 id="lengths-title">Lengths</h2>
    <div class="histogram" role="img" aria-label="${words}">${bins.map(column)}</div>
    <p class="axis" aria-hidden="true">
      <span>${durationWords(shortest)}</span><span>${durationWords(shortest + bins.length * widthS)}</span>
    </p>
  </section> `;
}

const sum = ({ train, validation, test }: Record<SplitName, number>) => train + validation + test;

/** What did not come in, and why. */
export function rejectedTable(version: DatasetVersion, rejected: readonly Rejected[]): Html {
  if (rejected.length === 0) return html``;
  const shown = rejected.slice(0, MOST_REJECTED_ROWS);
  return html`<section aria-labelledby="rejected-title">
    <h2 id="rejected-title">Rejected</h2>
    <ul class="reasons">
      ${version.reasons.map(({ reason, count }) => html`<li><b>${grouped(count)}</b> ${reason}</li>`)}
    </ul>
    <details>
      <summary>
        ${shown.length < rejected.length ? `The first ${grouped(shown.length)} of ${grouped(rejected.length)}` : `All ${grouped(rejected.length)}`}
        rejected clips
      </summary>
      <div class="scroll" tabindex="0" role="region" aria-label="Rejected clips">
        <table>
          <thead>
            <tr>
              <th scope="col">Clip</th>
              <th scope="col">Label</th>
              <th scope="col">Reason</th>
              <th scope="col">In words</th>
            </tr>
          </thead>
          <tbody>
            ${shown.map(
              ({ id, sourceId, label, reason, message }) =>
                html`<tr>
                  <td class="name"><bdi>${id || sourceId || '(unnamed)'}</bdi></td>
                  <td><bdi>${label}</bdi></td>
                  <td>${reason}</td>
                  <td>${message}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
  </section> `;
}

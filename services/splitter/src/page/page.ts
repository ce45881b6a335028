import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { DatasetVersion } from '@soundstage/contracts';
import { SPLITS, pathsOf, type PlacedClip, type Rejected } from '../dataset-clip.js';
import { Html, html, jsonBlock } from '@soundstage/html';
import type { Preview } from './preview.js';
import { changes, clipCount, durationHistogram, labelHistogram, overview, rejectedTable } from './sections.js';

export interface PageContent {
  version: DatasetVersion;
  /** In canonical order. */
  clips: readonly PlacedClip[];
  rejected: readonly Rejected[];
  /** Indexes of the clips that are shown with pictures and waveform; the last are left out first. */
  sample: readonly number[];
  preview: (clip: PlacedClip) => Promise<Preview>;
  /** Counts of what happened since the version before, where there was one. */
  since?: Readonly<Record<string, number>>;
  onPreview?: (done: number) => void;
}

/** All previews together; a browser still opens such a page in a second or two. */
const MOST_PREVIEW_LENGTH = 24 * 2 ** 20;
/** Clips that the page lists at all. */
const MOST_LISTED = 20_000;
/** Previews that are made at a time. */
const AT_A_TIME = 2;

/**
 * The page to look and listen through a dataset before training on it, piece by piece: never more than a few previews
 * are in memory. It lies in the exported dataset as `index.html` and plays the files beside it; it loads nothing else,
 * and its policy lets no other script in, whatever a label says.
 */
export async function* datasetPage(content: PageContent): AsyncGenerator<string> {
  const { version, clips, rejected, sample, since } = content;
  const [style, compiled] = await Promise.all([
    readFile(new URL('../../page/page.css', import.meta.url), 'utf8'),
    readFile(new URL('./page-script.js', import.meta.url), 'utf8'),
  ]);
  const script = compiled.replace(/^\/\/# sourceMappingURL=.*$/m, '').replace(/^export \{\};$/m, '');
  const listed = clips.slice(0, MOST_LISTED);
  const shown = sample.filter((index) => index < listed.length);
  yield '<!doctype html>\n<html lang="en">\n';
  yield head(version, style, script).text;
  yield '<body>\n<a class="skip" href="#clips">To the clips</a>\n<main>\n';
  yield overview(version).text;
  if (since) yield changes(since).text;
  yield '<div class="halves">\n';
  yield labelHistogram(version.labels).text;
  yield html`<div class="half">${durationHistogram(clips)}${rejectedTable(version, rejected)}</div> `.text;
  yield '</div>\n';
  const labels = version.labels.filter((each) => clipCount(each) > 0).map(({ label }) => label);
  yield toolbar(version, labels, listed.length < clips.length ? listed.length : undefined).text;

  const states = new Map<number, 'plain' | 'remarked'>();
  let length = 0;
  let done = 0;
  for await (const [index, preview] of inOrder(shown, (i) => content.preview(listed[i]!))) {
    content.onPreview?.(++done);
    const block = jsonBlock(`preview-${index}`, preview);
    if (length + block.length > MOST_PREVIEW_LENGTH) continue;
    length += block.length;
    states.set(index, preview.remarks.length > 0 ? 'remarked' : 'plain');
    yield block;
  }
  yield listing(listed, labels, states);
  yield sampleWords(states.size, listed.length).text;
  yield `</main>\n<script type="module">${script}</script>\n</body>\n</html>\n`;
}

/** Runs a few at a time, gives them in order. */
async function* inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): AsyncGenerator<[T, R]> {
  const running: { item: T; result: Promise<R> }[] = [];
  let next = 0;
  try {
    while (next < items.length || running.length > 0) {
      while (running.length < AT_A_TIME && next < items.length) {
        const item = items[next++]!;
        const result = work(item);
        result.catch(() => undefined); // looked at when its turn comes
        running.push({ item, result });
      }
      const { item, result } = running.shift()!;
      yield [item, await result];
    }
  } finally {
    // Nothing may still use the scratch folder when the work is over.
    await Promise.allSettled(running.map(({ result }) => result));
  }
}

function head({ name, id }: DatasetVersion, style: string, script: string): Html {
  const policy = [
    "default-src 'none'",
    'img-src data:',
    "media-src 'self' file:",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${name} ${id.slice(0, 12)}: dataset</title>
    <style>
      ${new Html(style)}
    </style>
  </head> `;
}

function toolbar({ folds }: DatasetVersion, labels: readonly string[], listedOf: number | undefined): Html {
  return html`<section class="clips" aria-labelledby="clips-title">
    <h2 id="clips-title">Clips</h2>
    <p id="sample-words"></p>
    ${listedOf !== undefined && html`<p>The first ${listedOf.toLocaleString('en-GB')} clips are listed; the manifest has them all.</p>`}
    <noscript
      ><p>
        The clips are shown by a script, which this browser doesn’t run. manifest.jsonl and clips.csv list them too.
      </p></noscript
    >
    <form class="toolbar" aria-label="Choose clips">
      <label
        >Find <input type="search" id="find" placeholder="part of a source, label or id" autocomplete="off"
      /></label>
      <label
        >Label
        <select id="label">
          <option value="">any</option>
          ${labels.map((label, i) => html`<option value="${i}">${label || '(no label)'}</option>`)}
        </select></label
      >
      <label
        >Split
        <select id="split">
          <option value="">any</option>
          ${SPLITS.map((split) => html`<option value="${split}">${split}</option>`)}${Array.from({ length: folds }, (_, i) => html`<option value="fold ${i + 1}">fold ${i + 1}</option>`)}
        </select></label
      >
      <label
        >Show
        <select id="show">
          <option value="">all</option>
          <option value="sampled">with pictures</option>
          <option value="remarked">with remarks</option>
        </select></label
      >
      <details class="keys">
        <summary>Keys</summary>
        <dl>
          <div>
            <dt><kbd>j</kbd> <kbd>k</kbd></dt>
            <dd>next, previous clip</dd>
          </div>
          <div>
            <dt><kbd>Space</kbd></dt>
            <dd>play, pause</dd>
          </div>
          <div>
            <dt><kbd>.</kbd> <kbd>,</kbd></dt>
            <dd>next, previous page</dd>
          </div>
          <div>
            <dt><kbd>/</kbd></dt>
            <dd>find</dd>
          </div>
        </dl>
      </details>
    </form>
    <nav class="pages" aria-label="Pages of clips">
      <button type="button" id="previous">Previous</button>
      <p id="shown" role="status"></p>
      <button type="button" id="next">Next</button>
    </nav>
    <p id="missing" class="missing" hidden>
      The media are not beside this page. Export the dataset, or pull it with DVC, and open the index.html that lies
      there.
    </p>
    <ol id="clips" class="sheet" tabindex="-1" aria-label="Clips"></ol>
  </section> `;
}

function sampleWords(sampled: number, all: number): Html {
  const count = (n: number) => n.toLocaleString('en-GB');
  const words =
    sampled === all
      ? 'Pictures and waveforms of all clips.'
      : sampled === 0
        ? 'No clip is shown with pictures; all can be played.'
        : `Pictures and waveforms of ${count(sampled)} of ${count(all)} clips, drawn evenly over labels and splits; all can be played.`;
  return html`<template id="sample-text">${words}</template> `;
}

/** What the script needs of each clip, in columns that repeat little. */
function listing(clips: readonly PlacedClip[], labels: readonly string[], states: ReadonlyMap<number, string>): string {
  const labelIndex = new Map(labels.map((label, i) => [label, i]));
  const rows = clips.map((clip, index) => {
    const { clip: path, video = '', audio = '' } = pathsOf(clip);
    return [
      ...[clip.id, clip.sourceId, labelIndex.get(clip.label), clip.split, clip.fold, clip.durationS],
      ...[path, video, audio, states.get(index) ?? ''],
    ];
  });
  return jsonBlock('clip-list', { labels, rows });
}

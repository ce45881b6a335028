import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, relative, sep } from 'node:path';
import { durationInWords } from '../batch/batch-progress.js';
import { countsOf, paceOf } from '../batch/batch-summary.js';
import type { BatchEntry } from '../batch/entry.js';
import { card, hasLowTrust } from './card.js';
import { Html, html } from '@soundstage/html';

export interface ReportContent {
  /** The folder that the page lies in. */
  outputFolder: string;
  entries: readonly BatchEntry[];
  /** Inputs of the whole batch; more than entries where it was stopped. */
  total: number;
  /** The entry with all that is drawn. */
  whole: (entry: BatchEntry) => Promise<BatchEntry>;
}

/**
 * The page to look and listen through all results, piece by piece: never more than one clip is in memory. It loads
 * nothing but the videos beside it, and its policy lets no other script in, whatever a file is called.
 */
export async function* reportPage(content: ReportContent): AsyncGenerator<string> {
  const { outputFolder, entries, whole } = content;
  const [style, script] = await Promise.all([
    readFile(new URL('../../report/report.css', import.meta.url), 'utf8'),
    readFile(new URL('./page-script.js', import.meta.url), 'utf8'),
  ]);
  const code = script.replace(/^\/\/# sourceMappingURL=.*$/m, '').replace(/^export \{\};$/m, '');
  yield head(style, code, content).text;
  yield header(content).text;
  yield toolbar(entries).text;
  yield '<main id="clips">\n';
  for (const [index, entry] of entries.entries()) {
    const source = relative(outputFolder, entry.input.path).split(sep).join('/');
    yield `${card(await whole(entry), index + 1, source).text}\n`;
  }
  yield `<p id="none" hidden>No clip is like that. <button type="button" id="all">Show all</button></p>\n</main>\n`;
  yield `<script type="module">${code}</script>\n</body>\n</html>\n`;
}

function head(style: string, code: string, { entries }: ReportContent): Html {
  const policy = [
    "default-src 'none'",
    'img-src data:',
    "media-src 'self' file:",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${createHash('sha256').update(code).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Foley report: ${clips(entries.length)}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <a class="skip" href="#clips">To the clips</a>
      </body>
    </html> `;
}

function header({ outputFolder, entries, total }: ReportContent): Html {
  const counts = countsOf(entries);
  const { filmS, tookS } = paceOf(entries);
  const low = entries.filter(({ clip }) => clip !== undefined && hasLowTrust(clip)).length;
  const hasVideos = entries.some(({ clip }) => clip?.takes.some(({ video }) => video !== undefined));
  const figure = (words: string, value: string | number, kind = '') =>
    html`<div class="${kind}">
      <dt>${words}</dt>
      <dd>${value}</dd>
    </div>`;
  return html`<header class="top">
    <div class="title">
      <p class="eyebrow">Foley report · <bdi>${basename(outputFolder)}</bdi></p>
      <h1>${clips(entries.length)}</h1>
      <p>
        ${filmS > 0 && `${durationInWords(filmS)} of film ${hasVideos ? 'got its sound' : 'was looked at'} in ${durationInWords(tookS)}, ${(tookS / filmS).toFixed(2)} × real time. `}${
          total > entries.length &&
          `Stopped: ${total - entries.length} more left; run the same command again to go on. `
        }The
        figures lie in <a href="./foley.csv">foley.csv</a>.
      </p>
    </div>
    <dl class="counts">
      ${figure('Done', counts.done)} ${counts.skipped > 0 && figure('There already', counts.skipped)}
      ${counts.refused > 0 && figure('Refused', counts.refused, 'bad')}
      ${counts.failed > 0 && figure('Failed', counts.failed, 'bad')} ${low > 0 && figure('Low trust', low, 'doubtful')}
    </dl>
  </header> `;
}

function toolbar(entries: readonly BatchEntry[]): Html {
  const names = [...new Set(entries.flatMap(({ clip }) => clip?.classes[0]?.label ?? []))].sort();
  return html`<form class="toolbar" aria-label="Choose and sort clips">
    <label>Find <input type="search" id="find" placeholder="part of a name" autocomplete="off" /></label>
    <label
      >Show
      <select id="show">
        <option value="all">all</option>
        <option value="wrong">refused and failed</option>
        <option value="low">low trust</option>
        <option value="warned">with warnings</option>
        <option value="fine">fine</option>
      </select></label
    >
    <label
      >Class
      <select id="class">
        <option value="">any</option>
        ${names.map((name) => html`<option>${name}</option>`)}
      </select></label
    >
    <label
      >Sort
      <select id="sort">
        <option value="look">what needs a look first</option>
        <option value="name">by name</option>
        <option value="trust">low trust first</option>
        <option value="class">by class</option>
        <option value="duration">longest first</option>
      </select></label
    >
    <p id="shown" role="status"></p>
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
          <dd>next, previous hit</dd>
        </div>
        <div>
          <dt><kbd>→</kbd> <kbd>←</kbd></dt>
          <dd>1 s on, back</dd>
        </div>
        <div>
          <dt><kbd>t</kbd></dt>
          <dd>next take</dd>
        </div>
        <div>
          <dt><kbd>/</kbd></dt>
          <dd>find</dd>
        </div>
      </dl>
    </details>
  </form> `;
}

function clips(count: number): string {
  return count === 1 ? '1 clip' : `${count} clips`;
}

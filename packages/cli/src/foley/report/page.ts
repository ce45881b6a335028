import { basename, relative, sep } from 'node:path';
import { html, type Html } from '@soundstage/html';
import type { ReportContent } from '../../batch/batch-job.js';
import { durationInWords } from '../../batch/batch-progress.js';
import { countsOf, paceOf } from '../../batch/batch-summary.js';
import type { BatchEntry } from '../../batch/entry.js';
import { count, pageEnd, pageHead, scriptOf } from '../../report/page-frame.js';
import { card, hasLowTrust } from './card.js';
import type { ClipView } from './clip-view.js';

/**
 * The page to look and listen through all results, piece by piece: never more than one clip is in memory. It loads
 * nothing but the videos beside it, and its policy lets no other script in, whatever a file is called.
 */
export async function* reportPage(content: ReportContent<ClipView>): AsyncGenerator<string> {
  const { outputFolder, entries, whole } = content;
  const script = await scriptOf(new URL('./page-script.js', import.meta.url));
  yield await pageHead({
    title: `Foley report: ${count(entries.length, 'clip')}`,
    script,
    main: 'clips',
    style: 'foley.css',
  });
  yield header(content).text;
  yield toolbar(entries).text;
  yield '<main id="clips">\n';
  for (const [index, entry] of entries.entries()) {
    const source = relative(outputFolder, entry.input.path).split(sep).join('/');
    yield `${card(await whole(entry), index + 1, source).text}\n`;
  }
  yield `<p id="none" hidden>No clip is like that. <button type="button" id="all">Show all</button></p>\n</main>\n`;
  yield pageEnd(script);
}

function header({ outputFolder, entries, total }: ReportContent<ClipView>): Html {
  const counts = countsOf(entries);
  const { filmS, tookS } = paceOf({ durationS: (clip: ClipView) => clip.durationS }, entries);
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
      <h1>${count(entries.length, 'clip')}</h1>
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

function toolbar(entries: readonly BatchEntry<ClipView>[]): Html {
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

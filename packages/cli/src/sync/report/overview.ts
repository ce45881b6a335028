import { basename } from 'node:path';
import { html, type Html } from '@soundstage/html';
import type { SyncVerdict } from '@soundstage/sync';
import type { ReportContent } from '../../batch/batch-job.js';
import { durationInWords } from '../../batch/batch-progress.js';
import { countsOf, paceOf } from '../../batch/batch-summary.js';
import { count, pageEnd, pageHead, scriptOf } from '../../report/page-frame.js';
import type { FilmView } from '../batch/film-view.js';
import { filmCard } from './film-card.js';

/** The page with all films of a batch, what was found in each, and where its report lies, piece by piece. */
export async function* overviewPage(content: ReportContent<FilmView>): AsyncGenerator<string> {
  const { entries, whole } = content;
  const script = await scriptOf(new URL('./overview-script.js', import.meta.url));
  const title = `Sync report: ${count(entries.length, 'film')}`;
  yield await pageHead({ title, script, main: 'films', style: 'sync.css' });
  yield header(content).text;
  yield toolbar().text;
  yield '<main id="films">\n';
  for (const [index, entry] of entries.entries()) yield `${filmCard(await whole(entry), index + 1).text}\n`;
  yield `<p id="none" hidden>No film is like that. <button type="button" id="all">Show all</button></p>\n</main>\n`;
  yield pageEnd(script);
}

function header({ outputFolder, entries, total }: ReportContent<FilmView>): Html {
  const counts = countsOf(entries);
  const { filmS, tookS } = paceOf({ durationS: (film: FilmView) => film.durationS }, entries);
  const films = entries.flatMap(({ clip }) => clip ?? []);
  const found = (verdict: SyncVerdict) => films.filter(({ before }) => before.verdict === verdict).length;
  const repaired = films.filter((film) => film.repaired).length;
  const off = films.length - found('in_sync') - found('cannot_tell');
  const figure = (words: string, value: number, kind = '') =>
    html`<div class="${kind}">
      <dt>${words}</dt>
      <dd>${value}</dd>
    </div>`;
  return html`<header class="top">
    <div class="title">
      <p class="eyebrow">Sync report · <bdi>${basename(outputFolder)}</bdi></p>
      <h1>${count(entries.length, 'film')}</h1>
      <p>
        ${filmS > 0 && `${durationInWords(filmS)} of film measured in ${durationInWords(tookS)}, ${(tookS / filmS).toFixed(2)} × real time. `}${
          total > entries.length &&
          `Stopped: ${total - entries.length} more left; run the same command again to go on. `
        }Films
        that need no repair lie where they were. The figures lie in <a href="./sync.csv">sync.csv</a>.
      </p>
    </div>
    <dl class="counts">
      ${figure('In sync', found('in_sync'))} ${figure('Out of sync', off)} ${figure('Repaired', repaired)}
      ${found('cannot_tell') > 0 && figure('Can’t be told', found('cannot_tell'), 'doubtful')}
      ${counts.refused > 0 && figure('Refused', counts.refused, 'bad')}
      ${counts.failed > 0 && figure('Failed', counts.failed, 'bad')}
    </dl>
  </header> `;
}

function toolbar(): Html {
  return html`<form class="toolbar" aria-label="Choose and sort films">
    <label>Find <input type="search" id="find" placeholder="part of a name" autocomplete="off" /></label>
    <label
      >Show
      <select id="show">
        <option value="all">all</option>
        <option value="wrong">refused and failed</option>
        <option value="left">out of sync and not repaired</option>
        <option value="repaired">repaired</option>
        <option value="cannot_tell">can’t be told</option>
        <option value="in_sync">in sync</option>
      </select></label
    >
    <label
      >Sort
      <select id="sort">
        <option value="look">what needs a look first</option>
        <option value="name">by name</option>
        <option value="offset">largest offset first</option>
        <option value="sure">least sure first</option>
      </select></label
    >
    <p id="shown" role="status"></p>
  </form> `;
}

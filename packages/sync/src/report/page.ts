import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Html, html, jsonBlock } from '@soundstage/html';
import type { SyncMeasurement, SyncVerdict } from '../measurement.js';
import { curveChart } from './curve.js';
import { heatMap, mapData, mapped } from './heat-map.js';
import { playersSection, type Players } from './players.js';
import { signInWords, signPicture } from './sign-picture.js';
import { dataTables, segmentsTable } from './tables.js';
import { clock } from './time-axis.js';
import { ADVICE, driftInWords, headline, lateness, noticed, percent, sureness } from './words.js';

export interface SyncReportOptions {
  /** The film's name. */
  title: string;
  before: SyncMeasurement;
  /** The repaired file, measured again. */
  after?: SyncMeasurement;
  /** Whether the repaired file was kept. Default: where there is `after`. */
  kept?: boolean;
  /** Small pictures of the face that was measured; more than `MOST_THUMBNAILS` are thinned out. */
  thumbnails?: readonly { timeS: number; jpeg: Uint8Array }[];
  /** What can be played, beside the page. */
  players?: Players;
}

const MOST_THUMBNAILS = 24;
const WORDS: Readonly<Record<SyncVerdict, string>> = {
  in_sync: 'in sync',
  offset: 'constant offset',
  drift: 'drift',
  piecewise: 'changing offset',
  cannot_tell: 'can’t be told',
};

/**
 * One page that shows what was measured and what came of the repair. It loads nothing but the two videos beside it, its
 * policy lets no other script in, and all that its pictures show stands in it as text too.
 */
export function syncReport(options: SyncReportOptions): string {
  const { title, before, after, players } = options;
  const style = readFileSync(new URL('../../report/report.css', import.meta.url), 'utf8');
  const script = readFileSync(new URL('./page-script.js', import.meta.url), 'utf8');
  const code = script.replace(/^\/\/# sourceMappingURL=.*$/m, '').replace(/^export \{\};$/m, '');
  const maps = [mapped('before', before), ...(after ? [mapped('after', after)] : [])];
  const body = html`<a class="skip" href="#main">To the answer</a>
    <main id="main">
      ${answer(options)} ${before.verdict === 'cannot_tell' && whatNext(before)}
      ${players && playersSection(players, before)} ${segmentsTable(before, after, players !== undefined)}
      ${heatMap(maps, players !== undefined)} ${thumbnails(options)} ${curveChart(before, after)}
      ${warnings(before, after)} ${dataTables(before, after)}
    </main>
    ${new Html(jsonBlock('map-data', mapData(maps)))} ${new Html(`<script type="module">${code}</script>`)}`;
  return `<!doctype html>\n<html lang="en">\n${head(title, style, code).text}\n<body>\n${body.text}\n</body>\n</html>\n`;
}

function head(title: string, style: string, code: string): Html {
  const policy = [
    "default-src 'none'",
    'img-src data:',
    "media-src 'self' file:",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${createHash('sha256').update(code).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title}: sync report</title>
    <style>
      ${new Html(style)}
    </style>
  </head>`;
}

function answer(options: SyncReportOptions): Html {
  const { title, before } = options;
  const { verdict, detail, offsetMs, confidence, segments, durationS } = before;
  const speechS = segments.reduce((sum, segment) => sum + segment.speechS, 0);
  const drift = verdict === 'drift' ? segments[0]?.driftPpm : undefined;
  const figure = (words: string, value: string, more = '') =>
    html`<div>
      <dt>${words}</dt>
      <dd>${value}${more && html` <small>${more}</small>`}</dd>
    </div>`;
  return html`<header class="answer verdict-${verdict}">
    <div class="said">
      <p class="eyebrow">Sync report · <bdi>${title}</bdi></p>
      <h1>${headline(before)}</h1>
      <p class="detail">${detail}</p>
      ${offsetMs !== undefined && verdict === 'offset' && html`<p class="detail">${noticed(offsetMs)}</p>`}
      ${repairWords(options)}
      <dl class="figures">
        ${figure('Verdict', WORDS[verdict])}
        ${offsetMs !== undefined && figure('Offset', lateness(offsetMs), segments.length > 1 ? 'where most is spoken' : drift === undefined ? '' : 'in the middle')}
        ${drift !== undefined && figure('Drift', driftInWords(drift))}
        ${offsetMs !== undefined && figure('Sure', percent(confidence), sureness(confidence))}
        ${figure('Rests on', `${speechS.toFixed(1)} s`, 'of speech in the picture')} ${figure('Film', clock(durationS))}
      </dl>
    </div>
    ${
      offsetMs !== undefined &&
      html`<figure class="sign-figure">
        ${signPicture(offsetMs)}
        <figcaption aria-hidden="true">${signInWords(offsetMs)} <small>Not to scale.</small></figcaption>
      </figure>`
    }
  </header>`;
}

function repairWords({ after, kept = after !== undefined }: SyncReportOptions): Html {
  if (!after) return html``;
  const now = after.offsetMs === undefined ? headline(after) : `the sound now comes ${lateness(after.offsetMs)}`;
  if (!kept)
    return html`<p class="repair not-kept">
      <b>Not repaired.</b> A repair was made and measured, and was no better (${now}), so it was thrown away. The film
      is as it was.
    </p>`;
  return html`<p class="repair">
    <b>Repaired.</b> Measured again,
    ${after.verdict === 'in_sync' ? 'picture and sound are in sync' : now}${
      after.verdict === 'in_sync' && after.offsetMs !== undefined && ` (${lateness(after.offsetMs)})`
    }.
  </p>`;
}

function whatNext({ reason, evidence }: SyncMeasurement): Html {
  if (reason === undefined) return html``;
  const { why, next } = ADVICE[reason];
  const [first, last] = [evidence.offsetsMs[0], evidence.offsetsMs.at(-1)];
  return html`<section class="next" aria-labelledby="next-title">
    <h2 id="next-title">${why}</h2>
    <p>
      Nothing was changed.
      ${first !== undefined && last !== undefined && `Tried were offsets from ${lateness(first)} to ${lateness(last)}.`}
      What can help:
    </p>
    <ul>
      ${next.map((words) => html`<li>${words}</li>`)}
    </ul>
  </section>`;
}

function thumbnails({ thumbnails: all = [], players }: SyncReportOptions): Html {
  if (all.length === 0) return html``;
  const every = Math.ceil(all.length / MOST_THUMBNAILS);
  const picture = ({ timeS, jpeg }: { timeS: number; jpeg: Uint8Array }) =>
    html`<img
        src="data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}"
        alt="The face at ${clock(timeS)}"
      /><span aria-hidden="true">${clock(timeS)}</span>`;
  return html`<section aria-labelledby="faces-title">
    <h2 id="faces-title">The face that was measured</h2>
    <ul class="faces">
      ${all
        .filter((_, i) => i % every === 0)
        .map(
          (each) =>
            html`<li>
              ${players ? html`<button type="button" data-jump="${each.timeS}">${picture(each)}</button>` : picture(each)}
            </li>`,
        )}
    </ul>
  </section>`;
}

function warnings(before: SyncMeasurement, after: SyncMeasurement | undefined): Html {
  const all = [...new Set([...before.warnings, ...(after?.warnings ?? [])])];
  if (all.length === 0) return html``;
  return html`<section class="warnings" aria-label="Warnings">
    <ul>
      ${all.map((words) => html`<li>${words}</li>`)}
    </ul>
  </section>`;
}

import { readFile } from 'node:fs/promises';
import { html, type Html } from '@soundstage/html';

/** A whole page that loads nothing and lets no script in, whatever a label or a report says. */
export async function pageOf(title: string, body: Html): Promise<Uint8Array> {
  const style = await readFile(new URL('../../page/page.css', import.meta.url), 'utf8');
  const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; font-src data:";
  const head = html`
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="${policy}" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${title}</title>
    </head>
  `;
  const withStyle = head.text.replace('</head>', () => `<style>${style}</style></head>`);
  return Buffer.from(`<!doctype html>\n<html lang="en">${withStyle}<body><main>${body.text}</main></body></html>\n`);
}

/** Rows of a name and a value; those without a value are left out. */
export function facts(rows: readonly (readonly [name: string, value: Html | string | undefined])[]): Html {
  return html`<dl>
    ${rows
      .filter(([, value]) => value !== undefined && value !== '')
      .map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
  </dl>`;
}

/** `2026-11-21 10:24:56 UTC` */
export function timeOf(time: Date | undefined): string {
  return time ? `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC` : '';
}

/** `1 h 3 min`, `2 min 5 s`, `4.2 s` */
export function durationOf(from: Date | undefined, to: Date | undefined): string {
  if (!from || !to) return '';
  const seconds = Math.max(0, (to.getTime() - from.getTime()) / 1000);
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Html, html } from '@soundstage/html';

/** A script of ours, as it is put into a page. @param url that of the compiled module, which imports nothing */
export async function scriptOf(url: URL): Promise<string> {
  const script = await readFile(url, 'utf8');
  return script.replace(/^\/\/# sourceMappingURL=.*$/m, '').replace(/^export \{\};$/m, '');
}

/**
 * The head of a report and the beginning of its body. The page loads nothing but the videos beside it, and its policy
 * lets no other script in, whatever a file is called.
 *
 * @param page.main the id of the element that the report begins at
 * @param page.style what the page's own style is called, beside that of all reports
 */
export async function pageHead(page: { title: string; script: string; main: string; style: string }): Promise<string> {
  const styles = ['report.css', page.style].map((name) =>
    readFile(new URL(`../../report/${name}`, import.meta.url), 'utf8'),
  );
  const style = (await Promise.all(styles)).join('\n');
  const policy = [
    "default-src 'none'",
    'img-src data:',
    "media-src 'self' file:",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${createHash('sha256').update(page.script).digest('base64')}'`,
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
        <title>${page.title}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <a class="skip" href="#${page.main}">To the ${page.main}</a>
      </body>
    </html> `.text;
}

/** The end of a page with its script. */
export function pageEnd(script: string): string {
  return `<script type="module">${script}</script>\n</body>\n</html>\n`;
}

/** `1 clip`, `2 clips` */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

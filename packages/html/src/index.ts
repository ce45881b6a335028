/** A piece of HTML that is safe to put into a page as it is. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | undefined | false | readonly Part[];

/** A template of HTML: whatever is put into it is text and escaped, unless it is HTML itself. */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(pieces.map((piece, i) => piece + (i < parts.length ? textOf(parts[i]) : '')).join(''));
}

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (part === undefined || part === false) return '';
  if (typeof part === 'object') return part.map(textOf).join('');
  return escaped(String(part));
}

/** Control characters, which HTML can't carry, and those that turn the direction of a line, are shown as what they are. */
function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\r\n]/g, '↵')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]/g, '\ufffd');
}

function escaped(text: string): string {
  return visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** A block of JSON, as HTML, for a script of the page to read; no text in it can end the block. */
export function jsonBlock(id: string, value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'string' ? visible(item) : item));
  return `<script type="application/json" id="${id}">${text.replaceAll('<', '\\u003c')}</script>\n`;
}

/** The address of a file beside the page. A name can't become a scheme, a query or a fragment. */
export function fileUrl(relativePath: string): string {
  return `./${relativePath
    .split('/')
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join('/')}`;
}

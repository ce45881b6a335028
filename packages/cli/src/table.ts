import { shown } from './batch/batch-progress.js';

/** Rows in columns, as wide as they need to be; columns of numbers stand to the right. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const clean = [heading, ...rows].map((row) => row.map(shown));
  const numeric = heading.map((_, n) => rows.length > 0 && rows.every((row) => /^-?[\d.]*$/.test(row[n] ?? '')));
  const widths = heading.map((_, n) => Math.max(...clean.map((row) => (row[n] ?? '').length)));
  const line = (row: readonly string[]) =>
    widths
      .map((width, n) => (numeric[n] ? (row[n] ?? '').padStart(width) : (row[n] ?? '').padEnd(width)))
      .join('  ')
      .trimEnd();
  return clean.map((row) => `${line(row)}\n`).join('');
}

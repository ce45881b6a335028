import { csvField } from '@soundstage/core';

/** One field of a CSV file. */
export type Cell = string | number | undefined;

/**
 * Rows as CSV (RFC 4180), under the names of their columns. Text that a spreadsheet would take for a formula gets an
 * apostrophe in front (OWASP, CSV injection).
 */
export function toCsv<Column extends string>(
  columns: readonly Column[],
  rows: readonly Partial<Record<Column, Cell>>[],
): string {
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  return lines.map((cells) => `${cells.map(written).join(',')}\r\n`).join('');
}

/** A number for a CSV file. */
export function rounded(value: number | undefined, decimals: number): number | undefined {
  return value === undefined ? undefined : Number(value.toFixed(decimals));
}

function written(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  const safe = /^[=+\-@＝＋－＠\t\r\n]/.test(cell) ? `'${cell}` : cell;
  return csvField(safe);
}

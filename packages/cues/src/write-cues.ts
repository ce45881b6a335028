import type { CueSheet } from './cue-sheet.js';
import { renameKeys, snakeCase } from './key-names.js';

const DECIMALS = 4; // a tenth of a millisecond

/** The sheet as it comes back from its file: a sheet that is rendered at once must sound like one that was saved. */
export function roundCues(sheet: CueSheet): CueSheet {
  return JSON.parse(JSON.stringify(sheet, rounded)) as CueSheet;
}

/** A cue sheet as JSON: one hit a line, so that it can be edited, compared and pointed at by line. */
export function writeCues(sheet: CueSheet): string {
  const { format, version, hits, layers, ...rest } = sheet;
  const head = { format, version, ...rest };
  const lines = [
    ...Object.entries(head).map(([key, value]) => `  "${snakeCase(key)}": ${oneLine(value)}`),
    `  "hits": ${list(hits)}`,
    `  "layers": ${list(layers)}`,
  ];
  return `{\n${lines.join(',\n')}\n}\n`;
}

function list(items: readonly object[]): string {
  return items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${oneLine(item)}`).join(',\n')}\n  ]`;
}

function oneLine(value: unknown): string {
  return JSON.stringify(renameKeys(value, snakeCase), rounded);
}

function rounded(_key: string, item: unknown): unknown {
  return typeof item === 'number' && !Number.isInteger(item) ? Number(item.toFixed(DECIMALS)) : item;
}

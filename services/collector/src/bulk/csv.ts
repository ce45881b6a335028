import { csvField } from '@soundstage/core';

/**
 * The fields of one line of CSV (RFC 4180): separated by commas, quoted where they hold one, a quote in them doubled.
 * Undefined where a quote isn't closed. Spaces around fields don't count.
 */
export function readCsvLine(line: string): string[] | undefined {
  const fields: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*(?:,|$)/.exec(rest);
    const plain = quoted ? null : /^([^",]*)(?:,|$)/.exec(rest);
    const found = quoted ?? plain;
    if (!found) return undefined;
    fields.push(quoted ? quoted[1]!.replaceAll('""', '"') : plain![1]!.trim());
    if (!found[0].endsWith(',')) return fields;
    rest = rest.slice(found[0].length);
  }
}

/** One line of CSV, without its end. A field that a spreadsheet would take for a formula is led by a quote mark. */
export function csvLine(fields: readonly (string | number)[]): string {
  return fields
    .map((field) => {
      const text = typeof field === 'string' && /^[=+@\t\r-]/.test(field) ? `'${field}` : String(field);
      return csvField(text);
    })
    .join(',');
}

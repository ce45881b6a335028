import { csvField } from '@soundstage/core';

/** A line of CSV as RFC 4180 has it, ended by CR LF. */
export function csvLine(fields: readonly (string | number)[]): string {
  return `${fields.map((field) => csvField(String(field))).join(',')}\r\n`;
}

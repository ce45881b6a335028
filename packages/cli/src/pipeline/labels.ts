import { readFile } from 'node:fs/promises';
import { badInput, SoundstageError } from '@soundstage/core';

/** What a labels file says of a clip. */
export interface ClipLabel {
  /** Relative to the folder of the clips, with `/` between its parts. */
  path: string;
  source: string;
  label: string;
  split: string;
}

/** The headings that are read; the first of each is the one that is told of. Others are passed over. */
const COLUMNS = { path: ['path', 'clip'], source: ['source'], label: ['label', 'class'], split: ['split'] } as const;

/**
 * Reads a CSV with a heading: `path` (or `clip`), and if wanted `source`, `label` (or `class`) and `split`.
 *
 * @throws BAD_INPUT that lists every problem with its line
 */
export async function readLabels(file: string): Promise<ClipLabel[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw badInput(`The labels ${file} can't be read (${cause.code ?? cause.message}).`, 'labels', cause);
  });
  const [heading, ...rows] = csvRows(text.replace(/^\uFEFF/, ''));
  const names = heading?.fields.map((field) => field.trim().toLowerCase()) ?? [];
  const columnOf = (column: keyof typeof COLUMNS) =>
    names.findIndex((name) => (COLUMNS[column] as readonly string[]).includes(name));
  const columns = {
    path: columnOf('path'),
    source: columnOf('source'),
    label: columnOf('label'),
    split: columnOf('split'),
  };
  if (columns.path < 0) {
    throw badInput(`The labels ${file} need a first line that names their columns: path,source,label.`, 'labels');
  }
  const problems: string[] = [];
  const seen = new Map<string, number>();
  const labels = rows.flatMap(({ line, fields }) => {
    if (fields.length === 1 && fields[0]!.trim() === '') return [];
    const get = (column: number) => (column < 0 ? '' : (fields[column] ?? '').trim());
    const path = get(columns.path).replace(/^\.\//, '');
    if (fields.length !== names.length) problems.push(`line ${line}: ${fields.length} fields, not ${names.length}`);
    else if (path === '' || path.startsWith('/') || path.split('/').includes('..')) {
      problems.push(`line ${line}: ${JSON.stringify(path)} is no path below the folder of the clips`);
    } else if (seen.has(path)) problems.push(`line ${line}: ${path} stands in line ${seen.get(path)} already`);
    seen.set(path, line);
    return [{ path, source: get(columns.source), label: get(columns.label), split: get(columns.split) }];
  });
  if (problems.length === 0) return labels;
  const violations = problems.map((description) => ({ field: 'labels', description }));
  throw new SoundstageError('BAD_INPUT', `The labels ${file} are wrong:\n  ${problems.join('\n  ')}`, { violations });
}

/** Rows of a CSV as RFC 4180 has it, each with the line that it begins in. */
function csvRows(text: string): { line: number; fields: string[] }[] {
  const rows: { line: number; fields: string[] }[] = [];
  const pattern = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/y;
  let fields: string[] = [];
  let line = 1;
  let begun = 1;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw badInput(`Line ${line} of the labels has a quote where none may be.`, 'labels');
    const [whole, field = '', end] = match;
    fields.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    line += whole.split('\n').length - 1;
    if (end !== ',') {
      rows.push({ line: begun, fields });
      fields = [];
      begun = line;
    }
    if (pattern.lastIndex === at) break;
  }
  if (fields.length > 0) rows.push({ line: begun, fields: [...fields, ''] });
  return rows;
}

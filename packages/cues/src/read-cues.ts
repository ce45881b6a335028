import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import { SoundstageError } from '@soundstage/core/errors';
import { cueSheetSchema, type CueSheet, type HitCue, type LayerCue } from './cue-sheet.js';
import { camelCase, renameKeys, snakeCase } from './key-names.js';

export interface ReadCuesOptions {
  /** What the file is called in messages. Default: `The cue sheet`. */
  name?: string;
  /** The length of the video that the sheet is for. Default: what the sheet itself says. */
  durationS?: number;
  /**
   * The classes and what each can sound with; without it, names are not checked. `kind`: a hit needs a struck class, a
   * layer takes any.
   */
  palette?: ReadonlyMap<string, { kind: 'struck' | 'continuous'; sounds: readonly string[] }>;
}

/** Longer texts are no cue sheets. */
export const MOST_CUE_BYTES = 128 * 2 ** 20;
const MOST_TOLD = 10;
/** A sheet made for the same video may differ from it by rounding. */
const END_SLACK_S = 0.001;

type Path = readonly (string | number)[];
interface Problem {
  path: Path;
  /** A sentence's end: `must be from 0 to 1, but is 3`. */
  what: string;
}

/**
 * Reads a cue sheet from JSON. Comments and trailing commas, which editors leave behind, are allowed.
 *
 * Throws SoundstageError BAD_INPUT with one violation for each wrong entry, whose field is `line N`: bad JSON, unknown
 * or missing names, values out of range, hits that are not in the order of their times or beyond the end, names that
 * the palette doesn't have.
 */
export function readCues(text: string, options: ReadCuesOptions = {}): CueSheet {
  const { name = 'The cue sheet' } = options;
  if (text.length > MOST_CUE_BYTES)
    throw refused(name, [{ line: 1, what: `it has ${text.length} letters; the limit is ${MOST_CUE_BYTES}` }]);
  const lineAt = lineFinder(text);
  const syntax: ParseError[] = [];
  const tree = parseTree(text, syntax, { allowTrailingComma: true });
  if (tree === undefined || syntax.length > 0) {
    const wrong = syntax.map(({ error, offset }) => ({
      line: lineAt(offset),
      what: `this is not JSON (${printParseErrorCode(error)}${excerpt(text, offset)})`,
    }));
    throw refused(name, wrong.length > 0 ? wrong : [{ line: 1, what: 'it is empty' }]);
  }
  const { sheet, problems } = checked(renameKeys(valueOf(tree), camelCase), options);
  if (problems.length > 0) {
    const told = problems.map(({ path, what }) => ({
      line: lineAt(nearestNode(tree, path).offset),
      what: `${wordsFor(path)} ${what}`,
    }));
    throw refused(name, told);
  }
  return sheet!;
}

function checked(value: unknown, options: ReadCuesOptions): { sheet?: CueSheet; problems: Problem[] } {
  const read = cueSheetSchema.safeParse(value, { reportInput: true });
  if (!read.success) {
    const problems = read.error.issues.map((issue): Problem => {
      const path = issue.path as Path;
      if (issue.code === 'unrecognized_keys')
        return { path: [...path, issue.keys[0]!], what: 'is not a name of a cue sheet' };
      return { path, what: `is wrong: ${issue.message.replace(/^Invalid input: /, '')}` };
    });
    return { problems };
  }
  const { hits, layers, ...rest } = read.data;
  const sheet = { ...rest, hits: withIds(hits, 'h'), layers: withIds(layers, 'l') };
  const endS = options.durationS ?? sheet.video.durationS;
  const problems = [
    ...sheet.hits.flatMap((hit, index) => hitProblems(hit, index, sheet.hits, endS, options.palette)),
    ...sheet.layers.flatMap((layer, index) => layerProblems(layer, index, endS, options.palette)),
    ...twice(sheet.hits, 'hits'),
    ...twice(sheet.layers, 'layers'),
  ];
  return { sheet, problems };
}

function withIds<T extends { id?: string | undefined }>(items: readonly T[], letter: string): (T & { id: string })[] {
  const taken = new Set(items.map(({ id }) => id));
  let next = 1;
  return items.map((item) => {
    if (item.id !== undefined) return { ...item, id: item.id };
    while (taken.has(`${letter}${next}`)) next++;
    return { ...item, id: `${letter}${next++}` };
  });
}

function hitProblems(
  hit: HitCue,
  index: number,
  hits: readonly HitCue[],
  endS: number,
  palette: ReadCuesOptions['palette'],
): Problem[] {
  const problems: Problem[] = [];
  const path = ['hits', index];
  const before = hits[index - 1];
  if (before !== undefined && hit.timeS < before.timeS)
    problems.push({
      path: [...path, 'timeS'],
      what: `is ${hit.timeS}, before the hit above it (${before.timeS}): put the hits in the order of their times`,
    });
  if (hit.timeS >= endS)
    problems.push({
      path: [...path, 'timeS'],
      what: `is ${hit.timeS}, beyond the end of the video (${rounded(endS)} s): move the hit or delete it`,
    });
  return [...problems, ...soundProblems(hit, path, 'struck', palette)];
}

function layerProblems(layer: LayerCue, index: number, endS: number, palette: ReadCuesOptions['palette']): Problem[] {
  const problems: Problem[] = [];
  const path = ['layers', index];
  if (layer.endS <= layer.startS)
    problems.push({ path: [...path, 'endS'], what: `is ${layer.endS}, which is not after start_s (${layer.startS})` });
  if (layer.endS > endS + END_SLACK_S)
    problems.push({
      path: [...path, 'endS'],
      what: `is ${layer.endS}, beyond the end of the video (${rounded(endS)} s)`,
    });
  const early = layer.envelope.findIndex(([timeS], point) => point > 0 && timeS < layer.envelope[point - 1]![0]);
  if (early > 0)
    problems.push({
      path: [...path, 'envelope', early],
      what: `has the time ${layer.envelope[early]![0]}, before the point in front of it`,
    });
  return [...problems, ...soundProblems(layer, path, 'any', palette)];
}

function soundProblems(
  cue: { class: string; sound?: string | undefined },
  path: Path,
  kind: 'struck' | 'any',
  palette: ReadCuesOptions['palette'],
): Problem[] {
  if (palette === undefined) return [];
  const known = palette.get(cue.class);
  if (known === undefined)
    return [
      {
        path: [...path, 'class'],
        what: `is "${cue.class}", which the palette doesn't have${near(cue.class, [...palette.keys()])}`,
      },
    ];
  if (kind === 'struck' && known.kind !== 'struck')
    return [{ path: [...path, 'class'], what: `is "${cue.class}", a sound that goes on: make it a layer` }];
  if (cue.sound !== undefined && !known.sounds.includes(cue.sound))
    return [
      {
        path: [...path, 'sound'],
        what: `is "${cue.sound}", which ${cue.class} doesn't have: it has ${known.sounds.slice(0, 8).join(', ')}`,
      },
    ];
  return [];
}

function twice(items: readonly { id: string }[], list: string): Problem[] {
  const seen = new Set<string>();
  return items.flatMap(({ id }, index) => {
    const known = seen.has(id);
    seen.add(id);
    return known ? [{ path: [list, index, 'id'], what: `is "${id}", which another of the ${list} has too` }] : [];
  });
}

/** Names that begin alike, as a hint. */
function near(word: string, names: readonly string[]): string {
  const alike = names.filter((other) => other.slice(0, 3) === word.slice(0, 3).toLowerCase());
  const shown = (alike.length > 0 ? alike : names).slice(0, 8);
  return `: it has ${shown.join(', ')}${alike.length === 0 && names.length > shown.length ? ' …' : ''}`;
}

/** A number that JSON can write but a double can't hold becomes Infinity, which the schema refuses. */
function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf);
  if (node.type !== 'object') return node.value as unknown;
  return Object.fromEntries(
    (node.children ?? []).map(({ children }) => [children![0]!.value as string, valueOf(children![1]!)]),
  );
}

/** The node at a path, or the innermost one that exists on the way there: a missing name is told at its object. */
function nearestNode(tree: Node, path: Path): Node {
  const names = path.map((part) => (typeof part === 'string' ? snakeCase(part) : part));
  for (let depth = names.length; depth > 0; depth--) {
    const found = findNodeAtLocation(tree, names.slice(0, depth));
    if (found !== undefined) return found;
  }
  return tree;
}

/** `hits[3].time_s` */
function wordsFor(path: Path): string {
  const words = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${snakeCase(part)}`)).join('');
  return words.replace(/^\./, '') || 'the whole';
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

function excerpt(text: string, offset: number): string {
  const near = text
    .slice(offset, offset + 20)
    .split('\n')[0]!
    .trim();
  return near === '' ? '' : ` at "${near}"`;
}

function rounded(timeS: number): number {
  return Number(timeS.toFixed(3));
}

function refused(name: string, problems: readonly { line: number; what: string }[]): SoundstageError {
  const told = problems.slice(0, MOST_TOLD);
  const more = problems.length - told.length;
  const message = `${name} can't be used. ${told.map(({ line, what }) => `Line ${line}: ${what}`).join('. ')}${more > 0 ? `. And ${more} more` : ''}.`;
  return new SoundstageError('BAD_INPUT', message, {
    violations: told.map(({ line, what }) => ({ field: `line ${line}`, description: what })),
  });
}

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';
import { z } from 'zod';
import { badInput, SoundstageError, type Violation } from '@soundstage/core';
import { recipeSchema, type Recipe } from './recipe.js';

/** A recipe as it will run: its variables filled in, its paths absolute. */
export interface ReadRecipe {
  /** The file. */
  path: string;
  recipe: Recipe;
  /** Values of its variables. */
  variables: Record<string, string | number | boolean>;
}

export interface ReadOptions {
  /** Values by name: `--set`. */
  set?: ReadonlyMap<string, string>;
  env?: NodeJS.ProcessEnv;
  /** What relative paths in variables are relative to. */
  cwd?: string;
}

const variable = z.union([
  z.null().transform(() => ({ does: '' })),
  z.strictObject({
    does: z.string().default(''),
    default: z.union([z.string(), z.number(), z.boolean()]).optional(),
    /** An environment variable that it is taken from where `--set` doesn't give it. */
    env: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
      .optional(),
  }),
]);
const NAME = /^[a-z][a-z0-9_]*$/;
const REFERENCE = /\$\{([^}]*)\}/g;
/** Fields that hold a path: relative to the recipe, or to the working folder where a value from outside begins it. */
const PATHS: readonly (readonly [string, string])[] = [
  ['collect', 'source'],
  ['collect', 'labels'],
];

/** Where something is wrong. */
interface Problem {
  line: number;
  field: string;
  message: string;
}

/**
 * Reads a recipe file.
 *
 * @throws BAD_INPUT that lists every problem with its line
 */
export async function readRecipe(path: string, options: ReadOptions = {}): Promise<ReadRecipe> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw badInput(`The recipe ${path} can't be read (${cause.code ?? cause.message}).`, 'recipe', cause);
  });
  return parseRecipe(text, path, options);
}

/** The same of a text. */
export function parseRecipe(text: string, path: string, options: ReadOptions = {}): ReadRecipe {
  const { set = new Map<string, string>(), env = process.env, cwd = process.cwd() } = options;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: false });
  const problems: Problem[] = [];
  const note = (at: readonly PropertyKey[], message: string) =>
    problems.push({ line: lineOf(document, lines, at), field: at.map(String).join('.'), message });
  for (const { pos, message } of document.errors) {
    problems.push({
      line: lines.linePos(pos[0]).line,
      field: '',
      message: message.split('\n')[0]!.replace(/ at line.*/, ''),
    });
  }
  if (problems.length > 0) throw wrong(path, problems);
  if (!isMap(document.contents)) {
    throw wrong(path, [{ line: 1, field: '', message: 'a recipe is a mapping of steps: name, collect, split, …' }]);
  }

  const declared = readVariables(document, note);
  for (const name of set.keys()) {
    if (!declared.has(name)) note(['variables'], `--set ${name}: the recipe has no such variable${listed(declared)}`);
  }
  const { values, given } = valuesOf(declared, { set, env, note });
  const fromOutside = fill(document, { declared, values, given, note });
  document.delete('variables');

  const parsed = recipeSchema.safeParse(document.toJS());
  if (!parsed.success) for (const issue of parsed.error.issues) noteIssue(issue, note);
  if (problems.length > 0 || !parsed.success) throw wrong(path, problems);
  const recipe = parsed.data;
  for (const [step, field] of PATHS) {
    const holder = recipe[step as 'collect'] as Record<string, unknown>;
    const given = holder[field];
    if (typeof given !== 'string' || given.startsWith('bucket:')) continue;
    holder[field] = resolve(fromOutside.has(`${step}.${field}`) ? cwd : dirname(resolve(path)), given);
  }
  return { path: resolve(path), recipe, variables: Object.fromEntries(values) };
}

type Values = Map<string, string | number | boolean>;
type Note = (at: readonly PropertyKey[], message: string) => unknown;
type Declared = Map<
  string,
  { does: string; default?: string | number | boolean | undefined; env?: string | undefined }
>;

function readVariables(document: Document, note: Note): Declared {
  const declared: Declared = new Map();
  const given: unknown = (document.toJS() as Record<string, unknown>).variables ?? {};
  if (typeof given !== 'object' || Array.isArray(given) || given === null) {
    note(['variables'], 'must be a mapping of names');
    return declared;
  }
  for (const [name, about] of Object.entries(given)) {
    const parsed = variable.safeParse(about);
    if (!NAME.test(name)) note(['variables', name], 'a variable is named by small letters, digits and `_`');
    else if (parsed.success) declared.set(name, parsed.data);
    else
      for (const issue of parsed.error.issues)
        noteIssue(issue, (at, message) => note(['variables', name, ...at], message));
  }
  return declared;
}

function valuesOf(
  declared: Declared,
  { set, env, note }: { set: ReadonlyMap<string, string>; env: NodeJS.ProcessEnv; note: Note },
): { values: Values; given: Set<string> } {
  const values: Values = new Map();
  const outside = new Set<string>();
  for (const [name, { does, default: usual, env: from }] of declared) {
    const inherited = from === undefined ? undefined : env[from] || undefined;
    const given = set.get(name) ?? inherited;
    if (given !== undefined) outside.add(name);
    const value = given ?? usual;
    if (value !== undefined) values.set(name, value);
    else {
      const how = `--set ${name}=…${from === undefined ? '' : `, or the environment variable ${from}`}`;
      note(['variables', name], `has no value${does ? ` (${does})` : ''}: give it by ${how}`);
    }
  }
  return { values, given: outside };
}

/** Puts the variables' values in. @returns the fields whose text begins with a value from outside the recipe */
function fill(
  document: Document,
  { declared, values, given, note }: { declared: Declared; values: Values; given: ReadonlySet<string>; note: Note },
): Set<string> {
  const begun = new Set<string>();
  visit(document, {
    Scalar(key, node, path) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const at = pathOf(path, node);
      if (at[0] === 'variables') return;
      if (given.has(/^\$\{([^}]*)\}/.exec(node.value)?.[1] ?? '')) begun.add(at.join('.'));
      const whole = /^\$\{([^}]*)\}$/.exec(node.value)?.[1];
      for (const [, name = ''] of node.value.matchAll(REFERENCE)) {
        if (!declared.has(name)) note(at, `\${${name}} is no variable of the recipe${listed(declared)}`);
      }
      const value = whole === undefined ? undefined : values.get(whole);
      // A value that stands alone is what it would be in YAML: a number, true or false, or a text.
      if (value !== undefined)
        node.value = typeof value === 'string' ? plain(value, declared.get(whole!)?.default) : value;
      else node.value = node.value.replace(REFERENCE, (all, name: string) => String(values.get(name) ?? all));
    },
  });
  return begun;
}

/** A text from the command line, of the kind of the variable's default; without one it stays a text. */
function plain(text: string, like: string | number | boolean | undefined): string | number | boolean {
  if (typeof like === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (typeof like === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** The keys that lead to a node. */
function pathOf(ancestors: readonly unknown[], node: Node): (string | number)[] {
  const path: (string | number)[] = [];
  const chain = [...ancestors, node];
  chain.forEach((each, n) => {
    const next = chain[n + 1];
    if (next === undefined) return;
    if (typeof each === 'object' && each !== null && 'items' in each) {
      const index = (each.items as unknown[]).indexOf(next);
      if (!isMap(each)) path.push(index);
    }
    if (typeof each === 'object' && each !== null && 'key' in each && isScalar(each.key))
      path.push(String(each.key.value));
  });
  return path;
}

/** The line of what a path leads to, or of the nearest thing around it that there is. */
function lineOf(document: Document, lines: LineCounter, given: readonly PropertyKey[]): number {
  // A step that may be a list of one may stand there without the list.
  const path = given[1] === 0 && isMap(document.get(given[0], true)) ? [given[0], ...given.slice(2)] : given;
  for (let depth = path.length; depth > 0; depth--) {
    const keys = path.slice(0, depth);
    const parent: unknown = depth === 1 ? document.contents : document.getIn(keys.slice(0, -1), true);
    const last = keys.at(-1);
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
      const range = isScalar(pair?.key) ? pair.key.range : undefined;
      if (range) return lines.linePos(range[0]).line;
    } else {
      const node = document.getIn(keys, true) as Node | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
  }
  return 1;
}

function noteIssue(issue: z.core.$ZodIssue, note: Note): void {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) note([...issue.path, key], 'is unknown here');
  } else if (issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message)) {
    note(issue.path, 'is missing');
  } else note(issue.path, issue.message.replace(/^Invalid input: /, ''));
}

const listed = (declared: Declared) => (declared.size === 0 ? '' : `; it has ${[...declared.keys()].join(', ')}`);

function wrong(path: string, problems: readonly Problem[]): SoundstageError {
  const ordered = problems.toSorted((a, b) => a.line - b.line);
  const told = ordered.map(({ line, field, message }) => `  line ${line}: ${field ? `${field} ` : ''}${message}`);
  const violations: Violation[] = ordered.map(({ line, field, message }) => ({
    field: field || 'recipe',
    description: `line ${line}: ${message}`,
  }));
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return new SoundstageError('BAD_INPUT', `The recipe ${path} has ${count}:\n${told.join('\n')}`, { violations });
}

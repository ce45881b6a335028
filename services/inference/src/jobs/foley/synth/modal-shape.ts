import { SoundstageError } from '@soundstage/core';
import { FORMS, MATERIALS, type FormName, type MaterialName } from './modal-materials.js';

/** Two numbers, low first; chance takes one between them. */
export type Span = readonly [low: number, high: number];

/**
 * A sound that something makes when it is struck, as `"modal": {…}` of a class in classes.json. At least one of bodies,
 * bursts and grains.
 *
 * A knock on a table, for example:
 * `{"contactMs": 0.9, "clickDb": -12, "bodies": [{"material": "wood", "form": "plate", "fundamentalHz": [170, 260]}]}`
 */
export interface ModalShape {
  /** What rings. */
  bodies?: readonly Body[];
  /** How long the two touch at a middling strength: 0.1 for steel on glass, 1 for a knuckle, 8 for a cushion. A shorter touch is a brighter sound. */
  contactMs?: number;
  /** The pulse of the contact itself, beside a body's 0 dB. Not heard unless given. */
  clickDb?: number;
  /** Noise where surfaces meet, rub or give way. */
  bursts?: readonly Burst[];
  /** Many little sounds: shards, pebbles, coins, drops. */
  grains?: readonly Grains[];
  /** The blow again, softer: a heel and then a toe, a thing that bounces, a key that comes up. */
  again?: Again;
  /** Cut off, softly, after so long. 2.5 by default. */
  longestS?: number;
}

export interface Body {
  material: MaterialName;
  /** Where its modes lie. `plate` by default. */
  form?: FormName;
  /** Instead of form: frequencies over the lowest. */
  ratios?: readonly number[];
  /** Of the lowest mode. One thing keeps its place in here from blow to blow. */
  fundamentalHz: Span;
  /** How many modes at most; 24 by default. */
  modes?: number;
  /** 0 by default. */
  gainDb?: number;
  /** Decay times over those of the material: 0.3 for a thing that is held, 2 for one that hangs. 1 by default. */
  ring?: number;
  /** Each mode is a pair this far apart, which beats: bells, glasses, sheets. 0 by default. */
  split?: number;
}

export interface Burst {
  lowHz: number;
  highHz: number;
  /** Of the whole band at its loudest, beside a body's 0 dB. */
  gainDb: number;
  decayMs: number;
  /** 0 by default. */
  attackMs?: number;
  /** After the blow; 0 by default. */
  delayMs?: Span;
}

export interface Grains {
  /** ring: small things of a material; noise: ticks; bubble: bubbles in water. */
  of: 'ring' | 'noise' | 'bubble';
  /** For `ring`. */
  material?: MaterialName;
  /** As for a body, for `ring`. */
  ring?: number;
  /** For `noise`. 3 by default. */
  decayMs?: number;
  count: Span;
  overS: number;
  /** Whether they become fewer and softer. Falling by default. */
  density?: 'falling' | 'even';
  /** Of each grain. */
  hz: Span;
  gainDb: Span;
  /** Of the first, after the blow; 0 by default. */
  delayMs?: Span;
}

export interface Again {
  times: Span;
  /** To the first. */
  gapMs: Span;
  /** Each gap over the one before: under 1 for what bounces. 1 by default. */
  gapRatio?: number;
  /** Each over the one before. */
  gainDb: number;
}

type Fields = Record<string, unknown>;

/**
 * Checks a shape that was read from JSON.
 *
 * where: how messages call it, for example `class glass`. Throws SoundstageError UNAVAILABLE with the field that is wrong.
 */
export function readModalShape(value: unknown, where: string): ModalShape {
  const shape = fieldsOf(value, `${where}: modal`, [
    'bodies',
    'contactMs',
    'clickDb',
    'bursts',
    'grains',
    'again',
    'longestS',
  ]);
  const at = (name: string): string => `${where}: modal.${name}`;
  optional(shape, 'contactMs', at, 0.02, 50);
  optional(shape, 'clickDb', at, -60, 24);
  optional(shape, 'longestS', at, 0.02, 8);
  const bodies = listOf(shape.bodies, at('bodies'), readBody);
  const bursts = listOf(shape.bursts, at('bursts'), readBurst);
  const grains = listOf(shape.grains, at('grains'), readGrains);
  if (shape.again !== undefined) readAgain(shape.again, at('again'));
  if (bodies + bursts + grains === 0) throw wrong(`${where}: modal`, 'names nothing that sounds');
  if (shape.clickDb !== undefined && shape.contactMs === undefined) throw wrong(at('clickDb'), 'needs contactMs');
  return value as ModalShape;
}

function readBody(value: unknown, where: string): void {
  const names = ['material', 'form', 'ratios', 'fundamentalHz', 'modes', 'gainDb', 'ring', 'split'];
  const body = fieldsOf(value, where, names);
  const at = (name: string): string => `${where}.${name}`;
  oneOf(body.material, at('material'), Object.keys(MATERIALS));
  if (body.form !== undefined) oneOf(body.form, at('form'), Object.keys(FORMS));
  if (body.ratios !== undefined) {
    const { ratios } = body;
    if (!Array.isArray(ratios) || ratios.length === 0 || body.form !== undefined)
      throw wrong(at('ratios'), 'must be a list of numbers, and stand alone without form');
    for (const ratio of ratios) number(ratio, at('ratios'), 0.1, 200);
  }
  span(body.fundamentalHz, at('fundamentalHz'), 20, 16_000);
  optional(body, 'modes', at, 1, 80);
  optional(body, 'gainDb', at, -60, 24);
  optional(body, 'ring', at, 0.01, 20);
  optional(body, 'split', at, 0, 0.1);
}

function readBurst(value: unknown, where: string): void {
  const burst = fieldsOf(value, where, ['lowHz', 'highHz', 'gainDb', 'decayMs', 'attackMs', 'delayMs']);
  const at = (name: string): string => `${where}.${name}`;
  span([burst.lowHz, burst.highHz], `${where}.lowHz and highHz`, 20, 22_000);
  number(burst.gainDb, at('gainDb'), -60, 24);
  number(burst.decayMs, at('decayMs'), 0.1, 3000);
  optional(burst, 'attackMs', at, 0, 1000);
  if (burst.delayMs !== undefined) span(burst.delayMs, at('delayMs'), 0, 3000);
}

function readGrains(value: unknown, where: string): void {
  const names = ['of', 'material', 'ring', 'decayMs', 'count', 'overS', 'density', 'hz', 'gainDb', 'delayMs'];
  const grains = fieldsOf(value, where, names);
  const at = (name: string): string => `${where}.${name}`;
  oneOf(grains.of, at('of'), ['ring', 'noise', 'bubble']);
  if (grains.of === 'ring') oneOf(grains.material, at('material'), Object.keys(MATERIALS));
  if (grains.density !== undefined) oneOf(grains.density, at('density'), ['falling', 'even']);
  optional(grains, 'ring', at, 0.01, 20);
  optional(grains, 'decayMs', at, 0.1, 200);
  span(grains.count, at('count'), 1, 400);
  number(grains.overS, at('overS'), 0.001, 5);
  span(grains.hz, at('hz'), 20, 20_000);
  span(grains.gainDb, at('gainDb'), -60, 24);
  if (grains.delayMs !== undefined) span(grains.delayMs, at('delayMs'), 0, 3000);
}

function readAgain(value: unknown, where: string): void {
  const again = fieldsOf(value, where, ['times', 'gapMs', 'gapRatio', 'gainDb']);
  span(again.times, `${where}.times`, 0, 20);
  span(again.gapMs, `${where}.gapMs`, 1, 2000);
  optional(again, 'gapRatio', (name) => `${where}.${name}`, 0.1, 1.5);
  number(again.gainDb, `${where}.gainDb`, -60, 0);
}

function fieldsOf(value: unknown, where: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(where, 'must be an object');
  const stranger = Object.keys(value).find((name) => !known.includes(name));
  if (stranger !== undefined) throw wrong(`${where}.${stranger}`, `is not known: ${known.join(', ')} are`);
  return value as Fields;
}

function listOf(value: unknown, where: string, read: (each: unknown, where: string) => void): number {
  if (value === undefined) return 0;
  if (!Array.isArray(value)) throw wrong(where, 'must be a list');
  value.forEach((each, index) => read(each, `${where}[${index}]`));
  return value.length;
}

function optional(fields: Fields, name: string, at: (name: string) => string, low: number, high: number): void {
  if (fields[name] !== undefined) number(fields[name], at(name), low, high);
}

function number(value: unknown, where: string, low: number, high: number): void {
  if (typeof value !== 'number' || !(value >= low && value <= high))
    throw wrong(where, `must be a number from ${low} to ${high}`);
}

function span(value: unknown, where: string, low: number, high: number): void {
  if (!Array.isArray(value) || value.length !== 2) throw wrong(where, 'must be two numbers');
  for (const each of value) number(each, where, low, high);
  if (value[0] > value[1]) throw wrong(where, 'must have the lower number first');
}

function oneOf(value: unknown, where: string, known: readonly string[]): void {
  if (typeof value !== 'string' || !known.includes(value)) throw wrong(where, `must be one of ${known.join(', ')}`);
}

function wrong(where: string, why: string): SoundstageError {
  return new SoundstageError('UNAVAILABLE', `The palette's classes.json can't be used: ${where} ${why}.`, {
    retryable: false,
  });
}

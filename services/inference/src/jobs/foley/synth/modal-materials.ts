import type { Random } from '../render/random.js';

/** How a material loses what rings in it. */
export interface Material {
  /** Share lost in each cycle: the loss factor η. Cremer and Heckl, Structure-Borne Sound, for the order of magnitude. */
  loss: number;
  /** What the hand, the table and the air take from every mode alike: 1/s. */
  supportPerS: number;
  /** How much softer each octave above the fundamental is, before the hammer has its say. */
  dbPerOctave: number;
}

/** The decays that this gives were held against the palette's recordings of wood, metal, bells and cymbals. */
export const MATERIALS = {
  glass: { loss: 1.2e-3, supportPerS: 9, dbPerOctave: -0.5 },
  ceramic: { loss: 3e-3, supportPerS: 18, dbPerOctave: -1.5 },
  metal: { loss: 5e-4, supportPerS: 3, dbPerOctave: -1 },
  wood: { loss: 0.018, supportPerS: 28, dbPerOctave: -4 },
  plastic: { loss: 0.035, supportPerS: 55, dbPerOctave: -4 },
  stone: { loss: 0.012, supportPerS: 70, dbPerOctave: -2 },
  cardboard: { loss: 0.07, supportPerS: 60, dbPerOctave: -5 },
  rubber: { loss: 0.06, supportPerS: 14, dbPerOctave: -6 },
  soft: { loss: 0.2, supportPerS: 30, dbPerOctave: -9 },
} satisfies Record<string, Material>;
export type MaterialName = keyof typeof MATERIALS;

/**
 * Frequencies of the modes over the lowest, by form. A thing's own proportions come from `thing`.
 *
 * bar: free at both ends; tuned-bar: undercut as marimbas are; bowl: rim of a glass, cup or bell (French 1983);
 * plate, box: sheets, table tops, doors, things with air in them; membrane: drums, balls; solid: stones and shards,
 * whose modes follow no rule; harmonic: strings and tubes.
 */
export const FORMS = {
  bar: () => [1, 2.756, 5.404, 8.933, 13.34, 18.64, 24.82],
  'tuned-bar': () => [1, 3.98, 9.6, 15.7, 22.4],
  bowl: () => [1, 2.83, 5.42, 8.77, 12.85, 17.7],
  plate: (thing) => plate(thing.between(1.15, 1.7)),
  box: (thing) => box(thing.between(1.2, 1.6), thing.between(1.7, 2.6)),
  membrane: () => [1, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501, 3.6, 3.652, 4.06, 4.154, 4.6, 4.83],
  solid: (thing) => solid(thing),
  harmonic: () => [1, 2, 3, 4, 5, 6, 7, 8],
} satisfies Record<string, (thing: Random) => number[]>;
export type FormName = keyof typeof FORMS;

/** A plate held at its edges: f ∝ m² + (a·n)². */
function plate(aspect: number): number[] {
  const modes: number[] = [];
  for (let m = 1; m <= 11; m++) for (let n = 1; n <= 8; n++) modes.push(m ** 2 + (aspect * n) ** 2);
  return overLowest(modes);
}

/** Air between six walls: f ∝ √(l² + (a·m)² + (b·n)²). */
function box(a: number, b: number): number[] {
  const modes: number[] = [];
  for (let l = 0; l <= 6; l++)
    for (let m = 0; m <= 4; m++) for (let n = 0; n <= 3; n++) modes.push(Math.hypot(l, a * m, b * n));
  return overLowest(modes.filter((mode) => mode > 0));
}

function solid(thing: Random): number[] {
  const modes = [1];
  while (modes.length < 14) modes.push(modes.at(-1)! * thing.between(1.12, 1.6));
  return modes;
}

function overLowest(modes: number[]): number[] {
  modes.sort((a, b) => a - b);
  return modes.map((mode) => mode / modes[0]!);
}

import type { EndlessSource } from '../render/beds.js';
import { filter, passBand, retune, type Biquad } from './filter.js';
import { bubble, ring, tick, type Canvas } from './grains.js';
import type { Random } from '../render/random.js';
import { SAMPLE_RATE_HZ } from '../render/sample-rate.js';
import { tides, type Tides } from './tides.js';

/** A sound that is noise in nature, as classes.json describes it: wind, rain, room tone. */
export interface NoiseShape {
  /** Bands that are added. gainDb is the level of the whole band, however wide it is. */
  bands: readonly NoiseBand[];
  /** Short bursts at random times, for fire. */
  crackle?: { ratePerS: number; lowHz: number; highHz: number; gainDb: number; decayMs: number };
  /** Many small sounds of one kind: drops, bubbles, sparks. */
  grains?: readonly NoiseGrains[];
}

export interface NoiseBand {
  lowHz: number;
  highHz: number;
  gainDb: number;
  /** How fast its level wanders; 0 for not at all. */
  modulationHz: number;
  /** 0 to 1: how far down its level wanders. */
  modulationDepth: number;
  /** Bands and grains of one name rise and fall as one, at the first one's pace: gusts. Without it each for itself. */
  together?: string;
  /** Instead of wandering: rises steeply and falls back slowly, about so often. Sea waves. */
  waveS?: number;
  /** How much later than the others of its name. */
  lagS?: number;
  /** Octaves by which the band climbs while it is loud: the whistle of wind. */
  glide?: number;
}

export interface NoiseGrains {
  of: 'tick' | 'bubble' | 'ring';
  ratePerS: number;
  hz: readonly [number, number];
  /** Beside a band's 0 dB. Most lie near the lower end. */
  gainDb: readonly [number, number];
  /** Of ticks and rings; 3 by default. */
  decayMs?: number;
  modulationHz?: number;
  modulationDepth?: number;
  together?: string;
  waveS?: number;
  lagS?: number;
}

/** 10 ms: levels and places of bands move in steps of this, and glide in between. */
const STEP_FRAMES = 480;
const BLOCK_FRAMES = 10 * STEP_FRAMES;
/** Room for what rings on behind a block. */
const TAIL_FRAMES = 48_000;
const SPREAD = 0.6; // share of each side's noise that the other side doesn't have: wide, with a middle

/** Endless noise of a shape: interleaved stereo, about as loud as the sum of its bands says. It never repeats. */
export function noiseOf(shape: NoiseShape, random: Random): EndlessSource {
  const canvas = {
    left: new Float32Array(BLOCK_FRAMES + TAIL_FRAMES),
    right: new Float32Array(BLOCK_FRAMES + TAIL_FRAMES),
  };
  const named = new Map<string, Tides>();
  const tidesOf = (part: NoiseBand | NoiseGrains, chance: Random): Tides => {
    const { together } = part;
    const known = together === undefined ? undefined : named.get(together);
    const own = known ?? tides(part, STEP_FRAMES / SAMPLE_RATE_HZ, chance);
    if (together !== undefined) named.set(together, own);
    return own;
  };
  const grains = [...(shape.grains ?? []), ...(shape.crackle === undefined ? [] : [grainsOf(shape.crackle)])];
  const parts = [
    ...shape.bands.map((band, index) => {
      const chance = random.branch(`band${index}`);
      return bandOf(band, tidesOf(band, chance.branch('wander')), chance);
    }),
    ...grains.map((each, index) => {
      const chance = random.branch(`grains${index}`);
      return grainsAt(each, tidesOf(each, chance.branch('wander')), chance);
    }),
  ];
  let step = 0;
  let used = BLOCK_FRAMES;
  return (frames) => {
    const out = new Float32Array(frames * 2);
    for (let frame = 0; frame < frames;) {
      if (used === BLOCK_FRAMES) {
        forget(canvas);
        for (let at = 0; at < BLOCK_FRAMES; at += STEP_FRAMES, step++) for (const part of parts) part(canvas, at, step);
        used = 0;
      }
      const count = Math.min(frames - frame, BLOCK_FRAMES - used);
      for (let i = 0; i < count; i++) {
        out[(frame + i) * 2] = canvas.left[used + i]!;
        out[(frame + i) * 2 + 1] = canvas.right[used + i]!;
      }
      frame += count;
      used += count;
    }
    return out;
  };
}

/** Adds the part's next STEP_FRAMES from frame `at` of the canvas; what rings longer goes behind them. */
type Part = (canvas: Canvas, at: number, step: number) => void;

/** Moves on by one block. */
function forget({ left, right }: Canvas): void {
  for (const lane of [left, right]) {
    lane.copyWithin(0, BLOCK_FRAMES);
    lane.fill(0, TAIL_FRAMES);
  }
}

function bandOf(band: NoiseBand, tide: Tides, random: Random): Part {
  const level = 10 ** (band.gainDb / 20) / rmsOfBand(band);
  const filters = [passBand(band), passBand(band)] as const;
  const lanes = [new Float32Array(STEP_FRAMES), new Float32Array(STEP_FRAMES)] as const;
  const lagSteps = Math.round(((band.lagS ?? 0) * SAMPLE_RATE_HZ) / STEP_FRAMES);
  const glide = band.glide ?? 0;
  const gainAt = (step: number): number => level * (1 - band.modulationDepth * (1 - tide(step - lagSteps)));
  return (canvas, at, step) => {
    const [left, right] = lanes;
    for (let i = 0; i < STEP_FRAMES; i++) {
      const middle = (1 - SPREAD) * (2 * random.next() - 1);
      left[i] = middle + SPREAD * (2 * random.next() - 1);
      right[i] = middle + SPREAD * (2 * random.next() - 1);
    }
    if (glide !== 0) for (const chain of filters) climb(chain, band, glide * (tide(step - lagSteps) - 0.5));
    filter(filters[0], left);
    filter(filters[1], right);
    const from = gainAt(step);
    const more = (gainAt(step + 1) - from) / STEP_FRAMES;
    for (let i = 0; i < STEP_FRAMES; i++) {
      const gain = from + more * i;
      canvas.left[at + i]! += gain * left[i]!;
      canvas.right[at + i]! += gain * right[i]!;
    }
  };
}

function climb(chain: readonly Biquad[], { lowHz, highHz }: NoiseBand, octaves: number): void {
  const by = 2 ** octaves;
  passBand({ lowHz: lowHz * by, highHz: highHz * by }).forEach((to, index) => retune(chain[index]!, to));
}

/** What white noise between −1 and 1, mixed as bandOf() does, leaves in a band. */
function rmsOfBand({ lowHz, highHz }: NoiseBand): number {
  const white = Math.sqrt((SPREAD ** 2 + (1 - SPREAD) ** 2) / 3);
  return white * Math.sqrt((highHz - lowHz) / (SAMPLE_RATE_HZ / 2));
}

/** Grains come as a Poisson process, whose rate follows the tide. */
function grainsAt(grains: NoiseGrains, tide: Tides, random: Random): Part {
  const { of, ratePerS, hz, gainDb, decayMs = 3, modulationDepth = 0, lagS = 0 } = grains;
  const lagSteps = Math.round((lagS * SAMPLE_RATE_HZ) / STEP_FRAMES);
  let waitFrames = gap(random) / ratePerS;
  return (canvas, from, step) => {
    const share = Math.max(0.02, 1 - modulationDepth * (1 - tide(step - lagSteps)));
    for (; waitFrames < STEP_FRAMES; waitFrames += gap(random) / (ratePerS * share)) {
      const at = from + Math.floor(waitFrames);
      const grainHz = hz[0] * (hz[1] / hz[0]) ** random.next();
      const level = 10 ** ((gainDb[0] + (gainDb[1] - gainDb[0]) * random.next() ** 2.5) / 20);
      const side = random.between(-0.8, 0.8);
      if (of === 'tick') tick(canvas, at, grainHz, level, side, decayMs, random);
      else if (of === 'ring') ring(canvas, at, grainHz, 1000 / decayMs, level, side);
      else bubble(canvas, at, grainHz, level, side, random);
    }
    waitFrames -= STEP_FRAMES;
  };
}

/** Frames between two events of one a second. */
function gap(random: Random): number {
  return -Math.log(1 - random.next()) * SAMPLE_RATE_HZ;
}

function grainsOf({ ratePerS, lowHz, highHz, gainDb, decayMs }: NonNullable<NoiseShape['crackle']>): NoiseGrains {
  return { of: 'tick', ratePerS, hz: [lowHz, highHz], gainDb: [gainDb - 18, gainDb + 6], decayMs };
}

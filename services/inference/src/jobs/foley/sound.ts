import { SoundstageError } from '@soundstage/core';
import { loopOf, type EndlessSource } from './beds.js';
import { noiseOf } from './noise.js';
import type { SoundClass } from './sound-class.js';
import type { Palette, Recording } from './palette.js';
import type { Random } from './random.js';
import { GRID_RATE_HZ, type Onset, type Timing } from './when.js';

/** One struck sound. */
export interface Hit {
  /** When its attack is heard. */
  timeS: number;
  /** Gives the sound when it is needed; asked again, it gives the same samples. What is synthesised is dropped after it rang. */
  sound: () => Recording;
  gain: number;
  /** Playing speed; 1 as recorded. */
  rate: number;
  /** −1 left to 1 right. */
  side: number;
}

/** One sound that goes on under the picture. */
export interface Bed {
  /** Gain at levelRateHz from time 0; in between it is interpolated. */
  levels: Float32Array;
  levelRateHz: number;
  /** Starts the sound from its beginning; each call gives the same. */
  source: () => EndlessSource;
  /** Where in the film it is heard: faded in around startS and out around endS. Without them, from end to end. */
  startS?: number;
  endS?: number;
  /** 0 by default. */
  gainDb?: number;
  /** −1 left to 1 right; 0 by default. It leans a wide sound to one side and keeps it wide. */
  pan?: number;
}

export interface SoundPlan {
  durationS: number;
  hits: Hit[];
  beds: Bed[];
  /** The recordings in use, each once. */
  recordings: Recording[];
  warnings: string[];
}

const PITCH_SEMITONES = 0.8; // two blows of one hand differ about this much
const GAIN_JITTER_DB = 1.2;
/** A touch is this much softer than the strongest blow. */
const SOFTEST_DB = -20;
const BED_FLOOR_DB = -26;
/** The ear takes a swell of this length as one movement; faster changes would sound like a tremolo. */
const BED_SMOOTHING_S = 0.3;

/**
 * Decides which recording sounds when, how loud and how high. All chance comes from random.
 *
 * A struck class sounds at the onsets, a continuous one under the envelope; where nothing moves, `palette.ambience`.
 */
export async function planSounds(options: {
  chosen: SoundClass;
  timing: Timing;
  durationS: number;
  palette: Palette;
  random: Random;
  signal?: AbortSignal | undefined;
}): Promise<SoundPlan> {
  const { chosen, timing, durationS, palette, random, signal } = options;
  const playable = await playableOf(chosen, palette, signal);
  if (playable.soundClass.kind === 'struck' && timing.onsets.length > 0) {
    const alike = ofOneThing(playable.recordings, random.branch('thing'));
    const hits = placeHits(timing.onsets, alike, random.branch('hits'));
    return { durationS, hits, beds: [], recordings: usedBy(hits), warnings: [] };
  }
  const goesOn = playable.soundClass.kind === 'continuous';
  const going = goesOn ? playable : await playableOf(palette.ambience, palette, signal);
  const follows = timing.moves && goesOn;
  const { source, recordings } = endless(going, random);
  const bed = { levels: bedLevels(timing, durationS, follows), levelRateHz: GRID_RATE_HZ, source };
  return { durationS, hits: [], beds: [bed], recordings, warnings: follows ? [] : [whyEven(timing, going.soundClass)] };
}

function whyEven(timing: Timing, { label }: SoundClass): string {
  return timing.moves
    ? `No blow was found in the picture, so only ${label} is heard.`
    : `Nothing moves in the picture, so only ${label} is heard.`;
}

interface Playable {
  soundClass: SoundClass;
  recordings: Recording[];
}

/** The class with its recordings; a class that can't be made falls back to its relatives. */
async function playableOf(
  soundClass: SoundClass,
  palette: Palette,
  signal: AbortSignal | undefined,
): Promise<Playable> {
  const tried = new Set<string>();
  for (let each: SoundClass | undefined = soundClass; each !== undefined && !tried.has(each.id);) {
    tried.add(each.id);
    const recordings = await palette.load(each, signal);
    if (recordings.length > 0 || (each.noise !== undefined && each.kind === 'continuous'))
      return { soundClass: each, recordings };
    const { fallbackTo }: SoundClass = each;
    each = palette.classes.find(({ id }) => id === fallbackTo);
  }
  throw new SoundstageError(
    'UNAVAILABLE',
    `The palette has nothing for ${[...tried].join(', ')}: restore it from the release.`,
    {
      retryable: false,
    },
  );
}

/** The sound of a continuous class: one of its recordings, looped, or noise of its shape. */
function endless(
  { soundClass, recordings }: Playable,
  random: Random,
): { source: () => EndlessSource; recordings: Recording[] } {
  const recording = recordings[random.branch('bed').below(recordings.length)];
  if (recording !== undefined)
    return { source: () => loopOf(recording.pcm, random.branch('loop')), recordings: [recording] };
  const { noise } = soundClass;
  return { source: () => noiseOf(noise ?? { bands: [] }, random.branch('noise')), recordings: [] };
}

/**
 * The recordings of one thing: those whose names differ only in their number. One hand strikes one thing, so that blows
 * differ a little and not from a woodblock to a door. Where no thing was recorded twice, all of them.
 */
export function ofOneThing(recordings: readonly Recording[], random: Random): Recording[] {
  const things = new Map<string, Recording[]>();
  for (const recording of recordings) {
    const thing = recording.name.replace(/-?\d+$/, '');
    things.set(thing, [...(things.get(thing) ?? []), recording]);
  }
  const several = [...things.values()].filter((alike) => alike.length > 1);
  return several[random.below(several.length)] ?? [...recordings];
}

/** Each blow takes another recording than the one before it, where there are two; stronger motion sounds louder. */
export function placeHits(onsets: readonly Onset[], recordings: readonly Recording[], random: Random): Hit[] {
  let last = -1;
  return onsets.map(({ timeS, strength, side }) => {
    let index = random.below(recordings.length - (last < 0 || recordings.length === 1 ? 0 : 1));
    if (last >= 0 && recordings.length > 1 && index >= last) index++;
    last = index;
    const gainDb = SOFTEST_DB * (1 - strength) + random.between(-GAIN_JITTER_DB, GAIN_JITTER_DB);
    const rate = 2 ** (random.between(-PITCH_SEMITONES, PITCH_SEMITONES) / 12);
    const recording = recordings[index]!;
    return { timeS, sound: () => recording, gain: 10 ** (gainDb / 20), rate, side };
  });
}

/** The envelope as gains: smoothed, and between BED_FLOOR_DB and 0 dB. Where nothing moves, an even level. */
function bedLevels(timing: Timing, durationS: number, follows: boolean): Float32Array {
  const steps = Math.ceil(durationS * GRID_RATE_HZ) + 1;
  if (!follows) return new Float32Array(steps).fill(1);
  const smooth = smoothed(timing.envelope, BED_SMOOTHING_S * GRID_RATE_HZ);
  const most = smooth.reduce((a, b) => Math.max(a, b), 1e-3);
  return Float32Array.from({ length: steps }, (_, step) => {
    const share = (smooth[Math.min(step, smooth.length - 1)] ?? 0) / most;
    return 10 ** ((BED_FLOOR_DB * (1 - share)) / 20);
  });
}

/** Forth and back through a one-pole filter, so that nothing is late. */
function smoothed(values: Float32Array, steps: number): Float32Array {
  const keep = Math.exp(-1 / Math.max(1, steps / 2));
  const out = Float32Array.from(values);
  for (let i = 1; i < out.length; i++) out[i] = keep * out[i - 1]! + (1 - keep) * out[i]!;
  for (let i = out.length - 2; i >= 0; i--) out[i] = keep * out[i + 1]! + (1 - keep) * out[i]!;
  return out;
}

function usedBy(hits: readonly Hit[]): Recording[] {
  return [
    ...new Map(
      hits.map(({ sound }) => {
        const recording = sound();
        return [recording.name, recording];
      }),
    ).values(),
  ];
}

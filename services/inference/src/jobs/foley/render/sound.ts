import { envelopeLevels, type CueSheet, type HitCue, type LayerCue } from '@soundstage/cues';
import { loopOf, type EndlessSource } from './beds.js';
import { strike } from '../synth/modal.js';
import { noiseOf } from '../synth/noise.js';
import { SYNTHESIS, type Palette, type Recording, type SoundName } from '../palette/palette.js';
import { seededRandom, type Random } from './random.js';
import type { SoundClass } from '../palette/sound-class.js';
import { GRID_RATE_HZ } from '../see/when.js';

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
  /** Gain at levelRateHz from levelsFromS; in between it is interpolated, after the last it holds. */
  levels: Float32Array;
  levelRateHz: number;
  /** 0 by default. */
  levelsFromS?: number;
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

/** A cue sheet with its sounds at hand, ready to be rendered. */
export interface SoundPlan {
  durationS: number;
  hits: Hit[];
  beds: Bed[];
}

const PITCH_SEMITONES = 0.8; // two blows of one hand differ about this much
const GAIN_JITTER_DB = 1.2;
/** A touch is this much softer than the strongest blow. */
const SOFTEST_DB = -20;

/**
 * Gives each cue that names no sound one of its class, by the sheet's seed. Hits of one class come from one thing, and
 * two of them in a row from different recordings of it, where there are several.
 */
export function chooseSounds(sheet: CueSheet, palette: Palette): CueSheet {
  const random = seededRandom(sheet.seed);
  const casts = new Map<string, { names: string[]; random: Random }>();
  const last = new Map<string, string>();
  const hits = sheet.hits.map((hit): HitCue => {
    const cast = casts.get(hit.class) ?? castOf(hit.class, palette, random);
    casts.set(hit.class, cast);
    const sound = hit.sound ?? anotherThan(last.get(hit.class), cast.names, cast.random);
    last.set(hit.class, sound);
    return { ...hit, sound };
  });
  const layers = sheet.layers.map((layer): LayerCue => {
    const names = namesOf(layer.class, palette);
    return { ...layer, sound: layer.sound ?? names[random.branch(`layer/${layer.class}`).below(names.length)]! };
  });
  return { ...sheet, hits, layers };
}

function castOf(classId: string, palette: Palette, random: Random): { names: string[]; random: Random } {
  const own = random.branch(`class/${classId}`);
  return { names: ofOneThing(namesOf(classId, palette), own.branch('thing')), random: own };
}

/**
 * The recordings of one thing: those whose names differ only in their number. One hand strikes one thing, so that blows
 * differ a little and not from a woodblock to a door. Where no thing was recorded twice, all of them.
 */
export function ofOneThing(names: readonly string[], random: Random): string[] {
  const things = new Map<string, string[]>();
  for (const name of names) {
    const thing = name.replace(/-?\d+$/, '');
    things.set(thing, [...(things.get(thing) ?? []), name]);
  }
  const several = [...things.values()].filter((alike) => alike.length > 1);
  return several[random.below(several.length)] ?? [...names];
}

function anotherThan(last: string | undefined, names: readonly string[], random: Random): string {
  const others = names.length > 1 ? names.filter((name) => name !== last) : names;
  return others[random.below(others.length)]!;
}

function namesOf(classId: string, palette: Palette): string[] {
  return palette.soundsOf(classOf(classId, palette)).map(({ name }) => name);
}

function classOf(classId: string, palette: Palette): SoundClass {
  const found = palette.classes.find(({ id }) => id === classId);
  if (found === undefined) throw new RangeError(`A cue has the class ${classId}, which was not checked.`);
  return found;
}

/**
 * Loads the recordings of a sheet whose sounds are all chosen. Each hit varies a little in level and pitch, by its id
 * and the seed: to change one hit changes no other.
 */
export async function soundPlan(sheet: CueSheet, palette: Palette, signal?: AbortSignal): Promise<SoundPlan> {
  const heardHits = sheet.hits.filter(({ muted }) => !muted);
  const heardLayers = sheet.layers.filter(({ muted }) => !muted);
  const recordings = new Map<string, Recording>();
  for (const classId of new Set([...heardHits, ...heardLayers].map((cue) => cue.class)))
    for (const recording of await palette.load(classOf(classId, palette), signal))
      recordings.set(recording.name, recording);
  const random = seededRandom(sheet.seed);
  return {
    durationS: sheet.video.durationS,
    hits: heardHits.map((hit) => hitOf(hit, classOf(hit.class, palette), recordings, random)),
    beds: heardLayers.map((layer) => bedOf(layer, classOf(layer.class, palette), recordings, random)),
  };
}

function hitOf(
  { id, timeS, sound, strength, pan, class: classId }: HitCue,
  { modal }: SoundClass,
  recordings: ReadonlyMap<string, Recording>,
  random: Random,
): Hit {
  const own = random.branch(`hit/${id}`);
  const gainDb = SOFTEST_DB * (1 - strength) + own.between(-GAIN_JITTER_DB, GAIN_JITTER_DB);
  const hit = { timeS, gain: 10 ** (gainDb / 20), side: pan };
  const recording = recordings.get(sound ?? '');
  if (recording !== undefined) {
    const rate = 2 ** (own.between(-PITCH_SEMITONES, PITCH_SEMITONES) / 12);
    return { ...hit, sound: () => recording, rate };
  }
  const make = (): Recording =>
    strike(modal!, { strength, random: own.branch('blow'), thing: random.branch(`thing/${classId}`) });
  return { ...hit, sound: make, rate: 1 };
}

function bedOf(
  { id, sound, startS, endS, gainDb, pan, envelope }: LayerCue,
  { noise }: SoundClass,
  recordings: ReadonlyMap<string, Recording>,
  random: Random,
): Bed {
  const own = random.branch(`layer/${id}`);
  const recording = recordings.get(sound ?? '');
  const fromStart = envelope.map(([timeS, level]): [number, number] => [timeS - startS, level]);
  return {
    levels: envelopeLevels(fromStart, GRID_RATE_HZ, Math.ceil((endS - startS) * GRID_RATE_HZ) + 1),
    levelRateHz: GRID_RATE_HZ,
    levelsFromS: startS,
    source: () =>
      recording === undefined ? noiseOf(noise!, own.branch('noise')) : loopOf(recording.pcm, own.branch('loop')),
    startS,
    endS,
    gainDb,
    pan,
  };
}

/** What a sheet sounds with, each once, without what is muted. */
export function soundsUsed(sheet: CueSheet, palette: Palette): SoundName[] {
  const used = new Map<string, SoundName>();
  for (const { class: classId, sound, muted } of [...sheet.hits, ...sheet.layers]) {
    if (muted) continue;
    const named = palette.soundsOf(classOf(classId, palette)).find(({ name }) => name === sound);
    if (named === undefined) continue;
    used.set(named === SYNTHESIS ? `${classId}/${named.name}` : named.name, {
      name: named === SYNTHESIS ? `${classId}, synthesised` : named.name,
      licence: named.licence,
    });
  }
  return [...used.values()];
}

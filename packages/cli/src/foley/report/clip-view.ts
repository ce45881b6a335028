import { envelopeLevels, type Scene } from '@soundstage/cues';
import { SoundstageError } from '@soundstage/core';
import type { FoleyCandidate } from '@soundstage/inference';
import { decodeAudio, jpegStills, type MediaInfo } from '@soundstage/media';
import { soundingHits, soundingLayers } from '../json.js';
import type { FoleyResult } from '../run.js';

/** What the report shows about one clip. Paths are relative to the folder of the report, with `/` between the parts. */
export interface ClipView {
  durationS: number;
  still: boolean;
  /** Undefined, as all the rest, for a result of which no record was kept. */
  scene?: Scene | undefined;
  classes: { label: string; confidence: number }[];
  timingTrust?: number | undefined;
  warnings: string[];
  tookS?: number | undefined;
  /** Small pictures of the strongest hits, or from all over the clip where there are none. */
  stills: { timeS: number; words: string; jpegBase64: string }[];
  takes: TakeView[];
}

export interface TakeView {
  seed?: number | undefined;
  video?: string | undefined;
  cues?: string | undefined;
  loudnessLufs?: number | undefined;
  truePeakDbtp?: number | undefined;
  sounds: { name: string; licence: string }[];
  /** How many sound. */
  hits?: number | undefined;
  layers?: number | undefined;
  drawnHits: { timeS: number; strength: number; class: string }[];
  /** levels: 0 to 1, evenly from startS to endS. */
  drawnLayers: { class: string; startS: number; endS: number; levels: number[] }[];
  /** The loudest sample of each column, in hundredths of full scale. */
  peaks: number[];
}

/** More than a screen shows of one clip. */
const MOST_DRAWN_HITS = 2000;
const MOST_DRAWN_LAYERS = 12;
const COLUMNS = 600;
const LEVELS = 120;
const STILLS = 4;
const STILL_SIDE_PIXELS = 320;
/** High enough that no attack is lost between two samples. */
const PEAK_RATE_HZ = 24_000;

/** Gathers what the report shows: reads the finished sound once, and takes a few stills. */
export async function clipView(options: {
  result: FoleyResult;
  info: MediaInfo;
  inputPath: string;
  tookS: number;
  /** Makes a path relative to the report. */
  relative: (path: string) => string;
  signal?: AbortSignal | undefined;
}): Promise<ClipView> {
  const { result, info, inputPath, tookS, relative, signal } = options;
  const { outcome, takes } = result;
  const views: TakeView[] = [];
  for (const [index, candidate] of outcome.candidates.entries()) {
    const { video, cues } = takes[index]!;
    views.push({
      seed: candidate.seed,
      video: video && relative(video),
      cues: cues && relative(cues),
      loudnessLufs: candidate.loudnessLufs,
      truePeakDbtp: candidate.truePeakDbtp,
      sounds: candidate.sounds.map(({ name, licence }) => ({ name, licence })),
      hits: soundingHits(candidate),
      layers: soundingLayers(candidate),
      drawnHits: drawnHits(candidate),
      drawnLayers: drawnLayers(candidate),
      peaks: video === undefined ? [] : await peaksOf(video, outcome.durationS, signal),
    });
  }
  const moments = momentsOf(views[0]!.drawnHits, outcome.durationS, info.still);
  return {
    durationS: outcome.durationS,
    still: info.still,
    scene: outcome.candidates[0]!.sheet?.scene,
    classes: outcome.classes.map(({ label, confidence }) => ({ label, confidence })),
    timingTrust: outcome.timingTrust,
    warnings: outcome.warnings,
    tookS,
    stills: await stillsOf(inputPath, info, moments, signal),
    takes: views,
  };
}

/** The loudest sample of each of the columns of a file's sound, in hundredths of full scale. */
export async function peaksOf(path: string, durationS: number, signal?: AbortSignal): Promise<number[]> {
  const peaks = new Float32Array(COLUMNS);
  const perColumn = (durationS * PEAK_RATE_HZ) / COLUMNS;
  let at = 0;
  for await (const block of decodeAudio(path, { sampleRateHz: PEAK_RATE_HZ, channels: 1, signal })) {
    for (const sample of block) {
      const column = Math.min(COLUMNS - 1, Math.floor(at++ / perColumn));
      const level = Math.abs(sample);
      if (level > peaks[column]!) peaks[column] = level;
    }
  }
  return Array.from(peaks, (level) => Math.min(100, Math.round(level * 100)));
}

function drawnHits({ sheet }: FoleyCandidate): TakeView['drawnHits'] {
  if (sheet === undefined) return [];
  const sounding = sheet.hits.filter(({ muted }) => !muted);
  const floor = sounding.map(({ strength }) => strength).sort((a, b) => b - a)[MOST_DRAWN_HITS] ?? -1;
  return sounding
    .filter(({ strength }) => strength > floor)
    .map((hit) => ({ timeS: milli(hit.timeS), strength: milli(hit.strength), class: hit.class }));
}

function drawnLayers({ sheet }: FoleyCandidate): TakeView['drawnLayers'] {
  if (sheet === undefined) return [];
  const sounding = sheet.layers.filter(({ muted }) => !muted);
  return sounding.slice(0, MOST_DRAWN_LAYERS).map(({ class: name, startS, endS, envelope }) => {
    const rateHz = LEVELS / (endS - startS);
    const shifted = envelope.map(([timeS, level]): [number, number] => [timeS - startS, level]);
    const levels = Array.from(envelopeLevels(shifted, rateHz, LEVELS + 1), (level) => milli(level));
    return { class: name, startS: milli(startS), endS: milli(endS), levels };
  });
}

/** The strongest hits, not all at one place; without hits, moments spread evenly. */
function momentsOf(hits: TakeView['drawnHits'], durationS: number, still: boolean): { timeS: number; words: string }[] {
  if (still) return [{ timeS: 0, words: 'The picture' }];
  const apartS = durationS / (3 * STILLS);
  const chosen: TakeView['drawnHits'] = [];
  for (const hit of [...hits].sort((a, b) => b.strength - a.strength)) {
    if (chosen.length === STILLS) break;
    if (chosen.every(({ timeS }) => Math.abs(timeS - hit.timeS) >= apartS)) chosen.push(hit);
  }
  if (chosen.length > 0)
    return chosen.sort((a, b) => a.timeS - b.timeS).map((hit) => ({ timeS: hit.timeS, words: hit.class }));
  return Array.from({ length: STILLS }, (_, i) => ({ timeS: milli(((i + 0.5) / STILLS) * durationS), words: '' }));
}

/** A clip whose picture can't be shown still has its sound: a report without stills is better than none. */
async function stillsOf(
  path: string,
  info: MediaInfo,
  moments: { timeS: number; words: string }[],
  signal: AbortSignal | undefined,
): Promise<ClipView['stills']> {
  try {
    const timesS = moments.map(({ timeS }) => timeS);
    const jpegs = await jpegStills(path, { timesS, sidePixels: STILL_SIDE_PIXELS, info, signal });
    return moments.flatMap((moment, index) => {
      const jpeg = jpegs[index];
      return jpeg === undefined ? [] : [{ ...moment, jpegBase64: Buffer.from(jpeg).toString('base64') }];
    });
  } catch (error) {
    if (SoundstageError.from(error).reason === 'CANCELLED') throw error;
    return [];
  }
}

function milli(value: number): number {
  return Math.round(value * 1000) / 1000;
}

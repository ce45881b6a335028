import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '@soundstage/core';
import { measureLoudness, type PcmSource } from '@soundstage/media';
import { limited } from './limiter.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';

/** EBU R128's programme loudness: beside anything that follows the standard, nobody reaches for the volume. */
export const TARGET_LUFS = -23;
/** How far under the video's own sound the new one stays: heard, but never over what was recorded. */
export const UNDER_ORIGINAL_LU = 3;
/** EBU R128's highest permitted true peak, after encoding. */
export const CEILING_DBTP = -1;
/** AAC at 192 kbit/s was seen to raise the peaks of blows by up to 0.8 dB. */
const ENCODER_HEADROOM_DB = 1;
/** What the limiter may take from a blow before it is heard; the rest is turned down instead. */
const MOST_LIMITING_DB = 6;

export interface Level {
  gainDb: number;
  warnings: string[];
}

/** ffmpeg's figure for what never passes the gate, or is too short for it. */
const NOT_MEASURABLE_LUFS = -70;

/** Measures a first rendering and says how far to turn it up or down. */
export async function levelFor(
  rendering: () => Iterable<Float32Array> | AsyncIterable<Float32Array>,
  options: { targetLufs?: number; signal?: AbortSignal | undefined } = {},
): Promise<Level> {
  const { targetLufs = TARGET_LUFS, signal } = options;
  const { integratedLufs, truePeakDbtp } = await measureLoudness(pcm(rendering(), signal), { signal });
  const highestDb = ceilingDb(0) + MOST_LIMITING_DB - truePeakDbtp;
  if (integratedLufs <= NOT_MEASURABLE_LUFS) {
    return {
      gainDb: Math.min(0, highestDb),
      warnings: ['The soundtrack is too soft or too short to be set to a loudness.'],
    };
  }
  const wantedDb = targetLufs - integratedLufs;
  if (wantedDb <= highestDb) return { gainDb: wantedDb, warnings: [] };
  const short = (wantedDb - highestDb).toFixed(1);
  return {
    gainDb: highestDb,
    warnings: [`The soundtrack is ${short} LU softer than ${targetLufs} LUFS, so that its peaks stay whole.`],
  };
}

/** The second rendering at its level, its true peak under the ceiling. */
export function mixed(options: {
  blocks: Iterable<Float32Array> | AsyncIterable<Float32Array>;
  level: Level;
  /** The clip's own sound, under which the new one is mixed. */
  original?: AsyncIterable<Float32Array> | undefined;
  /** Further headroom, where the encoder needs it. */
  lowerDb?: number;
}): AsyncIterable<Float32Array> {
  const { blocks, level, original, lowerDb = 0 } = options;
  const gain = 10 ** (level.gainDb / 20);
  const ceiling = 10 ** (ceilingDb(lowerDb) / 20);
  return original === undefined ? limited(blocks, gain, ceiling) : limited(added(blocks, gain, original), 1, ceiling);
}

/** blocks times gain, plus as much of the original as there is. */
async function* added(
  blocks: Iterable<Float32Array> | AsyncIterable<Float32Array>,
  gain: number,
  original: AsyncIterable<Float32Array>,
): AsyncGenerator<Float32Array> {
  const theirs = original[Symbol.asyncIterator]();
  let waiting = new Float32Array(0);
  let at = 0;
  try {
    for await (const block of blocks) {
      const sum = new Float32Array(block.length);
      for (let i = 0; i < block.length; i++) sum[i] = block[i]! * gain;
      for (let i = 0; i < sum.length; i++) {
        while (at === waiting.length) {
          const next = await theirs.next();
          if (next.done) break;
          waiting = Float32Array.from(next.value);
          at = 0;
        }
        if (at === waiting.length) break;
        sum[i]! += waiting[at++]!;
      }
      yield sum;
    }
  } finally {
    await theirs.return?.();
  }
}

function ceilingDb(lowerDb: number): number {
  return CEILING_DBTP - ENCODER_HEADROOM_DB - lowerDb;
}

/** Blocks as ffmpeg takes them. The event loop gets a turn between two, since making one takes a millisecond or more. */
export function pcm(blocks: Iterable<Float32Array> | AsyncIterable<Float32Array>, signal?: AbortSignal): PcmSource {
  const unhurried = async function* (): AsyncGenerator<Float32Array> {
    for await (const block of blocks) {
      await setImmediate();
      throwIfAborted(signal);
      yield block;
    }
  };
  return { blocks: unhurried(), sampleRateHz: SAMPLE_RATE_HZ, channels: 2 };
}

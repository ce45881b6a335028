import { rm } from 'node:fs/promises';
import { measureLoudness, muxSound } from '@soundstage/media';
import type { Clip } from './look.js';
import { CEILING_DBTP, pcm } from './render/mix.js';

export interface Finished {
  /** Of the finished file, as a player hears it. */
  loudnessLufs: number;
  truePeakDbtp: number;
  warnings: string[];
}

/** How often the sound is made again where the encoder lifted a peak over the ceiling. */
const TRIES = 3;
const SPARE_DB = 0.2;

/**
 * Joins the picture, copied bit for bit, and the sound, then listens to the finished file: an encoder can lift peaks.
 * Where one stands above the ceiling the file is made again with that much more headroom.
 *
 * sound(lowerDb): the soundtrack with its ceiling lowered by so many dB. What stood at outputPath is replaced; on
 * failure nothing is left there.
 */
export async function joinPictureAndSound(options: {
  clip: Clip;
  outputPath: string;
  sound: (lowerDb: number) => Iterable<Float32Array> | AsyncIterable<Float32Array>;
  signal?: AbortSignal | undefined;
  onProgress?: ((fraction: number) => void) | undefined;
}): Promise<Finished> {
  const { clip, outputPath, sound, signal, onProgress } = options;
  let lowerDb = 0;
  for (let attempt = 1; ; attempt++) {
    const { leftOut } = await muxSound({
      videoPath: clip.path,
      info: clip.info,
      sound: pcm(sound(lowerDb), signal),
      outputPath,
      signal,
      ...(onProgress === undefined ? {} : { onProgress: (fraction: number) => onProgress(0.8 * fraction) }),
    });
    const { integratedLufs, truePeakDbtp } = await measureLoudness(outputPath, { signal }).catch(
      async (error: unknown) => {
        await rm(outputPath, { force: true }); // a file that nobody listened to is not finished
        throw error;
      },
    );
    if (truePeakDbtp <= CEILING_DBTP || attempt === TRIES) {
      const warnings = leftOut.map((what) => `The output can't carry everything: ${what} was left out.`);
      return { loudnessLufs: integratedLufs, truePeakDbtp, warnings };
    }
    lowerDb += truePeakDbtp - CEILING_DBTP + SPARE_DB;
  }
}

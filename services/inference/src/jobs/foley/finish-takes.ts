import { rm } from 'node:fs/promises';
import { originalSound, pictureToMux, type Clip } from './look.js';
import { joinPictureAndSound } from './mux.js';
import { levelFor, mixed, TARGET_LUFS, UNDER_ORIGINAL_LU, type Level } from './render/mix.js';
import type { StepClock } from './step-clock.js';

/** A soundtrack that can be played as often as is needed, and where its video goes. */
export interface UnfinishedTake {
  outputPath: string;
  /** Interleaved stereo at 48 kHz, the same each time. */
  sound: () => Iterable<Float32Array> | AsyncIterable<Float32Array>;
}

export interface FinishedTake {
  output: string;
  loudnessLufs: number;
  truePeakDbtp: number;
}

/**
 * Brings each soundtrack to its level and joins it with the picture: steps `mix` and `mux`. The picture of a video is
 * copied bit for bit. On failure nothing is left at the paths.
 */
export async function finishTakes(options: {
  clip: Clip;
  takes: readonly UnfinishedTake[];
  clock: Pick<StepClock<'mix' | 'mux'>, 'start' | 'progress'>;
  signal: AbortSignal | undefined;
}): Promise<{ made: FinishedTake[]; warnings: string[] }> {
  const { clip, takes, clock, signal } = options;
  const warnings: string[] = [];
  clock.start('mix', 'Setting the level');
  const levels: Level[] = [];
  for (const { sound } of takes) {
    const targetLufs = clip.originalLufs === undefined ? TARGET_LUFS : clip.originalLufs - UNDER_ORIGINAL_LU;
    const level = await levelFor(sound, { targetLufs, signal });
    levels.push(level);
    warnings.push(...level.warnings);
    clock.progress(levels.length / takes.length);
  }

  clock.start('mux', 'Joining picture and sound');
  const picture = await pictureToMux(clip, signal);
  const made: FinishedTake[] = [];
  try {
    for (const [index, { outputPath, sound }] of takes.entries()) {
      const joined = await joinPictureAndSound({
        clip: picture.clip,
        outputPath,
        sound: (lowerDb) =>
          mixed({ blocks: sound(), level: levels[index]!, original: originalSound(clip, signal), lowerDb }),
        signal,
        onProgress: (fraction) => clock.progress((index + fraction) / takes.length),
      });
      const { loudnessLufs, truePeakDbtp } = joined;
      made.push({ output: outputPath, loudnessLufs, truePeakDbtp });
      warnings.push(...joined.warnings);
    }
  } catch (error) {
    for (const { output } of made) await rm(output, { force: true });
    throw error;
  } finally {
    await picture.remove();
  }
  return { made, warnings };
}

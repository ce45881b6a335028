import type { Random } from './random.js';

/** Gives the next frames of an endless sound: interleaved stereo at 48 kHz. */
export type EndlessSource = (frames: number) => Float32Array;

/**
 * Repeats a recording for ever, from a place that chance takes. The palette's continuous recordings are cut so that
 * their end runs into their start.
 *
 * pcm: interleaved stereo.
 */
export function loopOf(pcm: Float32Array, random: Random): EndlessSource {
  if (pcm.length < 2) throw new RangeError('A recording of no length can not be looped.');
  let at = random.below(pcm.length / 2) * 2;
  return (frames) => {
    const out = new Float32Array(frames * 2);
    for (let filled = 0; filled < out.length;) {
      const part = pcm.subarray(at, Math.min(pcm.length, at + out.length - filled));
      out.set(part, filled);
      filled += part.length;
      at = (at + part.length) % pcm.length;
    }
    return out;
  };
}

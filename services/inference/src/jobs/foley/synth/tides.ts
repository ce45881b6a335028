import type { Random } from '../render/random.js';

/** How high a slow movement stands at a step: 0 to 1. Steps are asked for in order, or at most LONGEST_LAG_S late. */
export type Tides = (step: number) => number;

const LONGEST_LAG_S = 8;

/**
 * The slow movements of a texture: gusts that wander, or waves that rise steeply and fall back. Without either, always 1.
 *
 * stepS: how long a step is.
 */
export function tides(
  { modulationHz = 0, waveS }: { modulationHz?: number; waveS?: number },
  stepS: number,
  random: Random,
): Tides {
  if (waveS === undefined && modulationHz <= 0) return () => 1;
  const next = waveS === undefined ? wandering(modulationHz * stepS, random) : waves(waveS / stepS, random);
  const kept = new Float32Array(Math.ceil(LONGEST_LAG_S / stepS));
  let known = 0;
  return (wanted) => {
    const step = Math.max(0, wanted);
    while (known <= step) kept[known++ % kept.length] = next();
    return kept[step % kept.length]!;
  };
}

/** Glides from one random place to the next, `pace` of them a step. */
function wandering(pace: number, random: Random): () => number {
  let phase = random.next();
  let from = random.next();
  let to = random.next();
  let now = pace;
  return () => {
    phase += now;
    while (phase >= 1) {
      phase -= 1;
      from = to;
      to = random.next();
      now = pace * random.between(0.6, 1.6); // no beat to be heard in it
    }
    return from + (to - from) * (0.5 - 0.5 * Math.cos(Math.PI * phase));
  };
}

/** One wave after the other: it swells, breaks, and runs out, the next one before it is quite gone. */
function waves(meanSteps: number, random: Random): () => number {
  let length = meanSteps;
  let at = Math.floor(random.next() * meanSteps);
  let height = random.between(0.6, 1);
  let left = 0;
  return () => {
    if (++at >= length) {
      at = 0;
      left = 0.12;
      length = Math.round(meanSteps * random.between(0.65, 1.4));
      height = random.between(0.55, 1);
    }
    const share = at / length;
    const rise = 0.28;
    const now = share < rise ? Math.sin((Math.PI / 2) * (share / rise)) ** 2 : ((1 - share) / (1 - rise)) ** 1.8;
    left *= 0.99;
    return Math.min(1, height * now + left * (1 - share));
  };
}

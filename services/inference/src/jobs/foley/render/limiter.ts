import { TAPS, truePeakFollower } from './true-peak.js';

const LOOK_AHEAD_FRAMES = 96; // 2 ms at 48 kHz
const RELEASE_FRAMES = 4800;
/** After so long the gain is back at 1, to 0.0001 dB. */
const SETTLED_FRAMES = 12 * RELEASE_FRAMES;
/** The oversampling filter sees a peak this much late. */
const PEAK_DELAY_FRAMES = TAPS / 2;

/**
 * Turns a stream up or down and keeps its true peak under a ceiling. Both channels get the same gain, which falls
 * smoothly within the 2 ms before a peak and comes back in about 100 ms. Nothing is delayed: as many frames come out
 * as go in, at the same places.
 *
 * blocks: interleaved stereo at 48 kHz; ceiling: linear.
 */
export async function* limited(
  blocks: Iterable<Float32Array> | AsyncIterable<Float32Array>,
  gain: number,
  ceiling: number,
): AsyncGenerator<Float32Array> {
  const limiter = gainComputer(ceiling);
  let waiting = new Float32Array(0); // frames whose gain is not known yet
  let skip = LOOK_AHEAD_FRAMES + PEAK_DELAY_FRAMES; // gains that belong to before the first frame
  const push = (block: Float32Array): Float32Array => {
    const all = new Float32Array(waiting.length + block.length);
    all.set(waiting);
    all.set(block, waiting.length);
    const known = block.length / 2 - Math.min(skip, block.length / 2);
    const out = new Float32Array(known * 2);
    let frame = 0;
    for (let i = 0; i < block.length; i += 2) {
      const now = limiter(block[i]!, block[i + 1]!);
      if (skip > 0) {
        skip--;
        continue;
      }
      out[frame * 2] = all[frame * 2]! * now;
      out[frame * 2 + 1] = all[frame * 2 + 1]! * now;
      frame++;
    }
    waiting = all.slice(frame * 2);
    return out;
  };
  for await (const block of blocks) {
    const louder = new Float32Array(block.length);
    for (let i = 0; i < block.length; i++) louder[i] = block[i]! * gain;
    const out = push(louder);
    if (out.length > 0) yield out;
  }
  const rest = push(new Float32Array((LOOK_AHEAD_FRAMES + PEAK_DELAY_FRAMES) * 2));
  if (rest.length > 0) yield rest;
}

/** For each frame that goes in, the gain of the frame LOOK_AHEAD_FRAMES + PEAK_DELAY_FRAMES before it. */
function gainComputer(ceiling: number): (left: number, right: number) => number {
  const peakOf = truePeakFollower();
  const lowest = slidingMinimum(LOOK_AHEAD_FRAMES + 1);
  const box = movingMean(LOOK_AHEAD_FRAMES);
  let released = 1;
  let quiet = SETTLED_FRAMES;
  return (left, right) => {
    const peak = peakOf(left, right, ceiling);
    if (peak > ceiling) quiet = 0;
    // Nothing to hold for longer than anything is remembered: the gain is 1.
    else if (quiet++ > SETTLED_FRAMES) return 1;
    const needed = peak > ceiling ? ceiling / peak : 1;
    const floor = lowest(needed);
    const back = released + (1 - released) / RELEASE_FRAMES;
    released = back < floor ? back : floor;
    return box(released);
  };
}

/** The least of the last `length` values: those that may still become it wait in a ring, in rising order. */
function slidingMinimum(length: number): (value: number) => number {
  const size = length + 1;
  const values = new Float64Array(size);
  const times = new Float64Array(size);
  let head = 0;
  let count = 0;
  let now = 0;
  return (value) => {
    while (count > 0 && values[(head + count - 1) % size]! >= value) count--;
    const tail = (head + count) % size;
    values[tail] = value;
    times[tail] = now;
    count++;
    if (times[head]! <= now - length) {
      head = (head + 1) % size;
      count--;
    }
    now++;
    return values[head]!;
  };
}

/** The mean of the last `length` values, 1 before there were any. */
function movingMean(length: number): (value: number) => number {
  const values = new Float64Array(length).fill(1);
  let sum = length;
  let at = 0;
  return (value) => {
    sum += value - values[at]!;
    values[at] = value;
    at = at + 1 === length ? 0 : at + 1;
    if (at === 0) sum = values.reduce((a, b) => a + b, 0); // rounding must not add up over hours
    return sum / length;
  };
}

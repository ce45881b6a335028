import { sampleAt, SINC_REACH } from './sinc-resampling.js';
import { isLine, soundAt, type Run } from './time-map.js';

export interface PlayOptions {
  runs: readonly Run[];
  sampleRateHz: number;
  channels: number;
}

/** Half of a crossfade. */
const FADE_S = 0.005;
const BLOCK_FRAMES = 4096;
/** How much of the sound is kept behind the place that is read: joins look back for quiet, and fades for what went on. */
const KEPT_S = 1.5;

/**
 * Builds a sound anew from its own samples: run after run, crossfaded over 10 ms, in constant memory. Ends where the
 * sound ends. Before the sound's first sample there is silence.
 */
export async function* playRuns(
  source: AsyncGenerator<Float32Array, void>,
  { runs, sampleRateHz, channels }: PlayOptions,
): AsyncGenerator<Float32Array, void, void> {
  const tape = createTape(source, channels);
  const kept = Math.ceil(KEPT_S * sampleRateHz);
  const fade = Math.round(FADE_S * sampleRateHz);
  const bounds = runs.map(({ endS }) => Math.round(endS * sampleRateHz));
  const players = runs.map((run) => createPlayer(run, tape, sampleRateHz, channels));
  let at = 0;
  for (let index = 0; index < runs.length; index++) {
    const player = players[index] as Player;
    const next = players[index + 1];
    const end = bounds[index] as number;
    // Around a bound both neighbours are heard: each run begins where the fade before it has ended.
    const stop = next === undefined ? Infinity : Math.max(at, end + fade);
    while (at < stop) {
      const count = Math.min(BLOCK_FRAMES, stop - at);
      const heard = next !== undefined && at + count > end - fade ? [player, next] : [player];
      await tape.reach(
        Math.max(...heard.map((each) => each.lastFrame(at + count))),
        Math.min(...heard.map((each) => each.firstFrame(at))) - kept,
      );
      const block = new Float32Array(count * channels);
      let frames = 0;
      for (; frames < count; frames++) {
        const n = at + frames;
        if (next === undefined && player.isOver(n)) break;
        const share = next === undefined ? 0 : Math.min(1, Math.max(0, (n - (end - fade) + 0.5) / (2 * fade)));
        for (let channel = 0; channel < channels; channel++) {
          const own = share < 1 ? player.frame(n, channel) : 0;
          block[frames * channels + channel] = share > 0 ? own * (1 - share) + share * next!.frame(n, channel) : own;
        }
      }
      if (frames > 0) yield block.subarray(0, frames * channels);
      if (frames < count) return;
      at += count;
    }
  }
}

interface Player {
  /** The first frame of the tape that is needed from frame `n` of the new sound on. */
  firstFrame(n: number): number;
  /** The last frame of the tape that is needed before frame `n` of the new sound. */
  lastFrame(n: number): number;
  frame(n: number, channel: number): number;
  isOver(n: number): boolean;
}

function createPlayer({ source, startS }: Run, tape: Tape, sampleRateHz: number, channels: number): Player {
  if (isLine(source)) {
    const first = soundAt(source, 0) * sampleRateHz;
    const shift = Math.round(first);
    // Whole steps from a whole frame on are copies, whatever is left over by the arithmetic.
    const copies = source.slope === 1 && Math.abs(first - shift) < 1e-3;
    const position = (n: number) => (copies ? n + shift : source.slope * n + first);
    return {
      firstFrame: (n) => Math.floor(position(n)) - SINC_REACH,
      lastFrame: (n) => Math.ceil(position(n)) + SINC_REACH,
      frame: (n, channel) => tape.at(position(n), channel),
      isOver: (n) => position(n) >= tape.length(),
    };
  }
  const from = Math.max(0, Math.round(source.startS * sampleRateHz));
  const length = Math.max(2, Math.round(source.endS * sampleRateHz) - from);
  const start = Math.round(startS * sampleRateHz);
  let loop: Float32Array | undefined;
  return {
    firstFrame: () => from,
    lastFrame: () => from + length,
    frame: (n, channel) => {
      loop ??= tape.copy(from, length);
      // Forwards and backwards in turn, so that the ends fit.
      const turn = (((n - start) % (2 * length)) + 2 * length) % (2 * length);
      return loop[(turn < length ? turn : 2 * length - 1 - turn) * channels + channel] as number;
    },
    isOver: () => false,
  };
}

interface Tape {
  /** Reads on until this frame is there, or the sound is over; what lies before `keepFrom` may be forgotten. */
  reach(frame: number, keepFrom: number): Promise<void>;
  /** The sound at a position, silent before its beginning and after its end. */
  at(position: number, channel: number): number;
  copy(from: number, frames: number): Float32Array;
  /** Its frames, Infinity until its end was seen. */
  length(): number;
}

function createTape(source: AsyncGenerator<Float32Array, void>, channels: number): Tape {
  // Silence before the beginning and after the end lets the resampler reach over them.
  let held = new Float32Array(SINC_REACH * channels);
  let filled = held.length;
  let start = -SINC_REACH;
  let end = Infinity;
  const append = (block: Float32Array, keepFrom: number) => {
    if (filled + block.length > held.length) {
      const drop = Math.max(0, Math.min(keepFrom - start, filled / channels));
      const rest = held.subarray(drop * channels, filled);
      const larger = new Float32Array(Math.max(held.length, 2 * (rest.length + block.length)));
      larger.set(rest);
      held = larger;
      filled = rest.length;
      start += drop;
    }
    held.set(block, filled);
    filled += block.length;
  };
  return {
    async reach(frame, keepFrom) {
      while (start + filled / channels <= frame && end === Infinity) {
        const { value } = await source.next();
        if (!value) end = start + filled / channels;
        append(value ?? new Float32Array(2 * SINC_REACH * channels), keepFrom);
      }
    },
    at(position, channel) {
      const place = position - start;
      if (place < SINC_REACH || place >= filled / channels - SINC_REACH) {
        const whole = Math.round(place);
        return whole >= 0 && whole < filled / channels ? (held[whole * channels + channel] as number) : 0;
      }
      return sampleAt(held, channels, channel, place);
    },
    copy(from, frames) {
      const part = new Float32Array(frames * channels);
      const first = (from - start) * channels;
      part.set(
        held.subarray(Math.max(0, first), Math.min(filled, Math.max(0, first + part.length))),
        Math.max(0, -first),
      );
      return part;
    },
    length: () => end,
  };
}

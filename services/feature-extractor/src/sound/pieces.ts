/** Cuts sound that comes in blocks into pieces that overlap, so that a model sees beyond both ends of its part. */
export interface Pieces {
  /** block: mono samples. */
  add(block: Float32Array): Promise<void>;
  /** Works off what is left. @returns how many samples there were */
  finish(): Promise<number>;
}

export interface PiecesOptions {
  hopSamples: number;
  /** Hops that a piece has more at each end than are kept of it. */
  contextHops: number;
  /** Hops that are kept of a piece. */
  pieceHops: number;
  /** Whether hop i is centred at sample i · hopSamples, or begins there and the last one may be filled up. */
  centred: boolean;
  /** sound: a piece; of its hops `count` from `first` on are kept. */
  work(sound: Float32Array, first: number, count: number): Promise<void>;
}

/**
 * Of the whole there are 1 + samples // hopSamples hops that are centred, or as many as hold all samples; each is kept of
 * exactly one piece. One piece is worked on while the next one comes in. No more than two pieces are held.
 */
export function createPieces({ hopSamples, contextHops, pieceHops, centred, work }: PiecesOptions): Pieces {
  const held = createSampleBuffer();
  /** The first hop that is not yet worked on. */
  let next = 0;
  let running: Promise<void> = Promise.resolve();

  async function piece(endHop: number, endSample: number): Promise<void> {
    const startHop = Math.max(0, next - contextHops);
    const sound = held.slice(startHop * hopSamples, endSample);
    const [first, count] = [next - startHop, endHop - next];
    next = endHop;
    held.dropBefore(Math.max(0, next - contextHops) * hopSamples);
    await running;
    running = work(sound, first, count);
    running.catch(() => undefined); // awaited by the next piece or by finish()
  }

  return {
    async add(block) {
      held.append(block);
      // One hop more than the context: the last hop that is kept may reach so far.
      const needed = () => (next + pieceHops + contextHops) * hopSamples;
      while (held.end() >= needed()) await piece(next + pieceHops, needed());
    },
    async finish() {
      const samples = held.end();
      const hops = centred ? 1 + Math.floor(samples / hopSamples) : Math.ceil(samples / hopSamples);
      if (samples > 0 && hops > next) await piece(hops, samples);
      await running;
      return samples;
    },
  };
}

/** Samples from some place of a stream on. */
function createSampleBuffer() {
  let samples = new Float32Array(1 << 16);
  let start = 0;
  let length = 0;
  return {
    append(block: Float32Array) {
      if (length + block.length > samples.length) {
        const larger = new Float32Array(Math.max(2 * samples.length, length + block.length));
        larger.set(samples.subarray(0, length));
        samples = larger;
      }
      samples.set(block, length);
      length += block.length;
    },
    slice: (from: number, to: number) => samples.slice(from - start, to - start),
    dropBefore(sample: number) {
      const dropped = Math.min(length, sample - start);
      samples.copyWithin(0, dropped, length);
      start += dropped;
      length -= dropped;
    },
    /** How many samples came in so far. */
    end: () => start + length,
  };
}

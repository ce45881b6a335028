/** Frames of one size in a row: bytes one frame after the other, and when each is shown, seconds. */
export interface FrameBatch {
  count: number;
  pixels: Uint8Array;
  timesS: readonly number[];
}

/** Gathers frames into batches. One batch is worked on while the next one is gathered. */
export interface Batches {
  /** Waits only while the work is a whole batch behind. */
  add(frame: Uint8Array, timeS: number): Promise<void>;
  /** Works off what is left and waits for it. */
  finish(): Promise<void>;
}

export interface BatchesOptions {
  /** Frames of a batch. */
  size: number;
  /** Whether rows describe pairs of frames: then a batch begins with the last frame of the one before. */
  pairs: boolean;
  work(batch: FrameBatch): Promise<void>;
}

export function createBatches({ size, pairs, work }: BatchesOptions): Batches {
  let frames: Uint8Array[] = [];
  let timesS: number[] = [];
  let running: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    const batch = { count: frames.length, pixels: joined(frames), timesS };
    frames = pairs ? frames.slice(-1) : [];
    timesS = pairs ? timesS.slice(-1) : [];
    await running;
    running = work(batch);
    running.catch(() => undefined); // awaited by the next flush or by finish()
  }

  return {
    async add(frame, timeS) {
      frames.push(frame);
      timesS.push(timeS);
      if (frames.length === size) await flush();
    },
    async finish() {
      if (frames.length > (pairs ? 1 : 0)) await flush();
      await running;
    },
  };
}

function joined(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = frames[0]?.length ?? 0;
  const all = new Uint8Array(frames.length * bytes);
  frames.forEach((frame, n) => all.set(frame, n * bytes));
  return all;
}

import { asFloat32, type OpenModel } from '@soundstage/models';

/** Motion of some frame pairs. */
export interface MotionBatch {
  /** [pairs, channels], as the motion model gives them. */
  features: Float32Array;
  channels: number;
  /** The middle of each frame pair. */
  timesS: Float32Array;
  /** The fastest cell of each pair, frame widths a second, camera motion taken out. */
  speeds: Float32Array;
  /** Where it moves most, −1 left edge to 1 right edge. */
  sides: Float32Array;
  /** Whether the picture changes to another one between the two frames. */
  cuts: boolean[];
}

/** Share of the picture that motion doesn't explain, above which it is another picture. A fast arm leaves some 0.2. */
const CUT_SHARE = 0.5;

/** Frames of one run: long enough to feed the processor well, short enough to be cancelled soon. */
const FRAMES_PER_RUN = 25;

export interface MotionFollower {
  /** frame: 160×96 grey, 8 bit, row by row. Waits only while the model is a whole batch behind. */
  add(frame: Uint8Array, timeS: number): Promise<void>;
  finish(): Promise<void>;
}

/**
 * Turns frames into motion features batch by batch, while the next frames are being decoded.
 *
 * model: frames [N, 96, 160], times_s [N] → features [N−1, C]; batches overlap by one frame, so that none of the pairs
 * is lost and the numbers are those of one long run.
 */
export function followMotion(
  model: OpenModel,
  onBatch: (batch: MotionBatch) => Promise<void>,
  signal?: AbortSignal,
): MotionFollower {
  const frameBytes = frameSize(model);
  const speedChannels = channelsOf(model, 'speed_max[');
  const [cutChannel] = channelsOf(model, 'clip.cut') as [number];
  let frames: Uint8Array[] = [];
  let timesS: number[] = [];
  let running: Promise<void> = Promise.resolve();

  const run = async (batch: Uint8Array[], times: number[]): Promise<void> => {
    const pixels = new Uint8Array(batch.length * frameBytes);
    batch.forEach((frame, index) => pixels.set(frame, index * frameBytes));
    const [, height, width] = model.card.inputs.find(({ name }) => name === 'frames')!.shape as [
      string,
      number,
      number,
    ];
    const answer = await model.run(
      {
        frames: { dims: [batch.length, height, width], data: pixels },
        // Relative to the first: float32 seconds lose milliseconds after some hours.
        times_s: { dims: [times.length], data: Float32Array.from(times, (timeS) => timeS - times[0]!) },
      },
      { signal },
    );
    const features = asFloat32(answer['features']);
    await onBatch(described(features, times, speedChannels, cutChannel));
  };

  const flush = async (): Promise<void> => {
    const [batch, times] = [frames, timesS];
    frames = batch.slice(-1);
    timesS = times.slice(-1);
    await running;
    running = run(batch, times);
    running.catch(() => undefined); // awaited by the next flush or by finish()
  };

  return {
    async add(frame, timeS) {
      if (frame.length !== frameBytes)
        throw new RangeError(`A motion frame has ${frame.length} bytes, not ${frameBytes}.`);
      const lastS = timesS.at(-1);
      if (lastS !== undefined && timeS <= lastS) return; // the clock of a broken file stands still
      frames.push(frame);
      timesS.push(timeS);
      if (frames.length === FRAMES_PER_RUN) await flush();
    },
    async finish() {
      if (frames.length > 1) await flush();
      await running;
    },
  };
}

function described(
  features: Float32Array,
  times: readonly number[],
  speedChannels: readonly number[],
  cutChannel: number,
): MotionBatch {
  const pairs = times.length - 1;
  const channels = features.length / pairs;
  const batch: MotionBatch = {
    features,
    channels,
    timesS: Float32Array.from({ length: pairs }, (_, i) => (times[i]! + times[i + 1]!) / 2),
    speeds: new Float32Array(pairs),
    sides: new Float32Array(pairs),
    cuts: Array.from({ length: pairs }, (_, pair) => features[pair * channels + cutChannel]! > CUT_SHARE),
  };
  for (let pair = 0; pair < pairs; pair++) {
    let [fastest, weight, moment] = [0, 1e-6, 0];
    speedChannels.forEach((channel, cell) => {
      const speed = features[pair * channels + channel]!;
      fastest = Math.max(fastest, speed);
      weight += speed * speed;
      moment += speed * speed * sideOfCell(cell);
    });
    batch.speeds[pair] = fastest;
    batch.sides[pair] = moment / weight;
  }
  return batch;
}

const COLUMNS = 8;

/** Cells go row by row, COLUMNS a row. */
function sideOfCell(cell: number): number {
  return ((cell % COLUMNS) + 0.5) / (COLUMNS / 2) - 1;
}

function frameSize(model: OpenModel): number {
  const [, height, width] = model.card.inputs.find(({ name }) => name === 'frames')?.shape ?? [];
  if (typeof height !== 'number' || typeof width !== 'number')
    throw new TypeError('The motion card gives no frame size.');
  return height * width;
}

/** The indices of the channels whose names begin so, in the order of the model. */
function channelsOf(model: OpenModel, beginning: string): number[] {
  const channels = model.card['channels'];
  const found = Array.isArray(channels)
    ? channels.flatMap((channel, index) => (String(channel).startsWith(beginning) ? [index] : []))
    : [];
  if (found.length === 0) throw new TypeError(`The motion card lists no channel \`${beginning}\`.`);
  return found;
}

import { decodeFrames, framesAtTicks, type DecodedFrame } from '@soundstage/media';
import { asFloat32, float32, type OpenModel, type Tensor } from '@soundstage/models';
import type { Clip, Quality } from '../look.js';

/** The models that turn pictures into what the net listens to. */
export interface VisualModels {
  classifier: OpenModel;
  flow: OpenModel;
  flow_image: OpenModel;
}

/**
 * Pictures a second: four hops of 256 samples at 22,050 Hz go with one. The paper says 21.5; with exactly that, picture
 * and sound would drift apart by 1.6 ms a second.
 */
export const FRAME_RATE_HZ = 22_050 / 1024;
const EMBEDDING = 1280;
/** Numbers a frame: what it shows, then how it moves. */
export const VISUAL_WIDTH = 2 * EMBEDDING;

const COLOUR = { name: 'colour', width: 224, height: 224, pixelFormat: 'rgb24' } as const;
const GREY = { name: 'grey', width: 160, height: 96, pixelFormat: 'gray' } as const;
const COLOUR_BYTES = COLOUR.width * COLOUR.height * 3;
const GREY_BYTES = GREY.width * GREY.height;
/** Long enough to feed the processor well, short enough to be cancelled soon. */
const FRAMES_PER_RUN = 20;
/** Of so many pictures one is looked at; how they move is always looked at. */
const EVERY: Record<Quality, number> = { standard: 1, draft: 2 };

/** How many frames a film has at FRAME_RATE_HZ. */
export function frameCount(durationS: number): number {
  return Math.max(1, Math.round(durationS * FRAME_RATE_HZ));
}

/**
 * What the net listens to, some frames at a time: [frames, VISUAL_WIDTH]. The models run while the next frames are
 * decoded.
 *
 * classifier: frames [N, 224, 224, 3] → embedding [N, 1280]; flow: frames [N, 96, 160] → flow [N−1, 2, 96, 160];
 * flow_image: flow → picture [N, 224, 224, 3], which the classifier embeds as well. The first frame has no flow.
 */
export async function* visualRows(
  clip: Clip,
  models: VisualModels,
  options: { quality: Quality; signal?: AbortSignal | undefined; onProgress: (fraction: number) => void },
): AsyncGenerator<Float32Array, void, void> {
  const { signal } = options;
  const count = frameCount(clip.durationS);
  const embed = embedder(models, EVERY[options.quality], signal);
  const decoded = decodeFrames(clip.path, { views: [COLOUR, GREY], info: clip.info, signal });
  let batch: Uint8Array[] = [];
  let running: Promise<Float32Array> | undefined;
  let done = 0;
  for await (const { data } of framesAtTicks(paired(decoded), { startS: 0, frameRate: FRAME_RATE_HZ, count })) {
    batch.push(data);
    if (batch.length < FRAMES_PER_RUN) continue;
    if (running !== undefined) yield await running;
    running = embed(batch);
    running.catch(() => undefined); // awaited below
    options.onProgress((done += batch.length) / count);
    batch = [];
  }
  if (running !== undefined) yield await running;
  if (batch.length > 0) yield await embed(batch);
}

/** Both views of each picture as one frame: the colours' bytes, then the grey ones. */
async function* paired(frames: AsyncIterable<DecodedFrame>): AsyncGenerator<DecodedFrame, void, void> {
  const colours: DecodedFrame[] = [];
  const greys: DecodedFrame[] = [];
  for await (const frame of frames) {
    (frame.view === COLOUR.name ? colours : greys).push(frame);
    while (colours.length > 0 && greys.length > 0) {
      const [colour, grey] = [colours.shift()!, greys.shift()!];
      const data = new Uint8Array(COLOUR_BYTES + GREY_BYTES);
      data.set(colour.data);
      data.set(grey.data, COLOUR_BYTES);
      yield { ...colour, data };
    }
  }
}

/** Embeds batch after batch; what a frame shows is kept where it is shown again. */
function embedder(
  models: VisualModels,
  every: number,
  signal: AbortSignal | undefined,
): (frames: readonly Uint8Array[]) => Promise<Float32Array> {
  let before: { frame: Uint8Array; shown: Float32Array } | undefined;
  let seen = 0;

  const shownBy = async (frames: readonly Uint8Array[]): Promise<Float32Array[]> => {
    const looked: Uint8Array[] = [];
    const places = frames.map((frame, index) => {
      const last = index === 0 ? before?.frame : frames[index - 1];
      // A slow film's frame stands for several; a draft looks at every second one.
      const isNew = last === undefined || (frame !== last && (seen + index) % every === 0);
      if (isNew) looked.push(frame);
      return looked.length - 1;
    });
    seen += frames.length;
    const rows =
      looked.length === 0 ? new Float32Array(0) : await embedded(joined(looked, 0, COLOUR_BYTES, [224, 224, 3]));
    return places.map((place) =>
      place < 0 ? before!.shown : rows.subarray(place * EMBEDDING, (place + 1) * EMBEDDING),
    );
  };

  const movesIn = async (frames: readonly Uint8Array[]): Promise<Float32Array> => {
    const [, height, width] = [2, GREY.height, GREY.width];
    const all = before === undefined ? frames : [before.frame, ...frames];
    const flow = new Float32Array(frames.length * 2 * height * width);
    if (all.length > 1) {
      const answer = await models.flow.run(
        { frames: joined(all, COLOUR_BYTES, GREY_BYTES, [height, width]) },
        { signal },
      );
      const found = asFloat32(answer['flow']);
      flow.set(found, flow.length - found.length);
    }
    const drawn = await models.flow_image.run(
      { flow: float32(flow, frames.length, 2, height, width) },
      { signal, outputs: ['picture'] },
    );
    return embedded(drawn['picture']!);
  };

  const embedded = async (pictures: Tensor): Promise<Float32Array> => {
    const answer = await models.classifier.run({ frames: pictures }, { signal, outputs: ['embedding'] });
    return asFloat32(answer['embedding']);
  };

  return async (frames) => {
    const [shown, moves] = await Promise.all([shownBy(frames), movesIn(frames)]);
    before = { frame: frames.at(-1)!, shown: shown.at(-1)! };
    const rows = new Float32Array(frames.length * VISUAL_WIDTH);
    frames.forEach((_, index) => {
      rows.set(shown[index]!, index * VISUAL_WIDTH);
      rows.set(moves.subarray(index * EMBEDDING, (index + 1) * EMBEDDING), index * VISUAL_WIDTH + EMBEDDING);
    });
    return rows;
  };
}

/** One part of each frame's bytes, as a tensor. */
function joined(frames: readonly Uint8Array[], from: number, bytes: number, dims: readonly number[]): Tensor {
  const data = new Uint8Array(frames.length * bytes);
  frames.forEach((frame, index) => data.set(frame.subarray(from, from + bytes), index * bytes));
  return { dims: [frames.length, ...dims], data };
}

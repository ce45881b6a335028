import { join } from 'node:path';
import { asFloat32, openModel, readCard, type OpenModel } from '@soundstage/models';
import type { PreprocessorConfig } from '../config.js';
import type { Face } from './track-face.js';

const NAME = 'face';
const VERSION = '1';

/** Side of the square that the model looks at. */
export const FACE_SIDE = 256;
/** Frames that go through the model at once. */
export const FACE_BATCH = 16;

/** Finds faces. Loaded when it is first needed: only one profile looks for faces. */
export interface FaceModel {
  /** Name, version and hash, as part of what a result depends on. */
  readonly id: string;
  /**
   * @param frames RGB, FACE_SIDE × FACE_SIDE, with black at the sides
   * @param size of the pictures as shown, in whose pixels the answer is
   */
  detect(
    frames: readonly Uint8Array[],
    size: { width: number; height: number },
    signal?: AbortSignal,
  ): Promise<Face[][]>;
  close(): Promise<void>;
}

/** @throws NOT_FOUND or BAD_INPUT where there is no card to go by */
export async function createFaceModel(config: PreprocessorConfig): Promise<FaceModel> {
  const folder = config.SOUNDSTAGE_MODELS_DIR;
  const card = await readCard(join(folder, NAME, VERSION));
  let opening: Promise<OpenModel> | undefined;
  const open = () => {
    opening ??= openModel({
      folder,
      name: NAME,
      version: VERSION,
      threads: config.SOUNDSTAGE_MODEL_THREADS,
      executionProvider: config.SOUNDSTAGE_EXECUTION_PROVIDER,
    }).catch((error: unknown) => {
      opening = undefined; // the next clip tries again
      throw error;
    });
    return opening;
  };
  return {
    id: `${NAME}/${VERSION}@sha256:${card.sha256.slice(0, 16)}`,
    async detect(frames, size, signal) {
      const data = new Uint8Array(frames.length * FACE_SIDE * FACE_SIDE * 3);
      frames.forEach((frame, n) => data.set(frame, n * FACE_SIDE * FACE_SIDE * 3));
      const model = await open();
      const input = { dims: [frames.length, FACE_SIDE, FACE_SIDE, 3], data };
      const { scores, boxes } = await model.run({ frames: input }, { signal });
      return facesOf(asFloat32(scores), asFloat32(boxes), frames.length, size);
    },
    async close() {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}

/** From shares of the square to pixels of the picture in its middle. */
function facesOf(
  scores: Float32Array,
  boxes: Float32Array,
  count: number,
  { width, height }: { width: number; height: number },
): Face[][] {
  const kept = scores.length / count;
  const longer = Math.max(width, height);
  const left = (longer - width) / 2;
  const top = (longer - height) / 2;
  return Array.from({ length: count }, (_, n) =>
    Array.from({ length: kept }, (__, k): Face => {
      const [x0, y0, x1, y1] = boxes.subarray(4 * (n * kept + k), 4 * (n * kept + k) + 4) as unknown as number[];
      return {
        score: scores[n * kept + k]!,
        x: ((x0! + x1!) / 2) * longer - left,
        y: ((y0! + y1!) / 2) * longer - top,
        side: Math.max(x1! - x0!, y1! - y0!) * longer,
      };
    }).filter(({ score, side }) => score > 0 && side > 0),
  );
}

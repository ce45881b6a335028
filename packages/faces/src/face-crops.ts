import {
  decodeFrames,
  encodeFrames,
  framesAtTicks,
  type DecodedFrame,
  type MediaInfo,
  type MediaLimits,
} from '@soundstage/media';
import { cropSquare } from './crop-square.js';
import { FACE_BATCH, FACE_SIDE, type DetectedFace, type FaceModel } from './face-model.js';
import type { Square } from './smooth-track.js';

/** A part of a clip at a constant frame rate. */
export interface FramesOf {
  path: string;
  info: MediaInfo & { video: NonNullable<MediaInfo['video']> };
  startS: number;
  frameRate: number;
  frames: number;
  limits: Partial<MediaLimits>;
  signal: AbortSignal;
}

/** How far before the beginning decoding begins, so that the frame which stands then is among those that come. */
const LEAD_S = 1;
/** Pictures are made no larger than this many times what the crop needs. */
const SPARE = 1.25;

/** The faces of each frame. Frames that stand for several ticks are looked at once. */
export async function findFaces(
  clip: FramesOf,
  model: FaceModel,
  onProgress: (share: number) => void,
): Promise<DetectedFace[][]> {
  const ticks: number[] = [];
  const found: DetectedFace[][] = [];
  let batch: Uint8Array[] = [];
  const flush = async () => {
    if (batch.length > 0) found.push(...(await model.detect(batch, clip.info.video, clip.signal)));
    batch = [];
    onProgress(ticks.length / clip.frames);
  };
  let last = -1;
  for await (const frame of framesOf(clip, { width: FACE_SIDE, height: FACE_SIDE, fit: 'contain' })) {
    if (frame.index !== last) batch.push(frame.data);
    last = frame.index;
    ticks.push(found.length + batch.length - 1);
    if (batch.length === FACE_BATCH) await flush();
  }
  await flush();
  return ticks.map((place) => found[place]!);
}

/** Makes a video of `sidePixels` × `sidePixels` that shows the given square of each frame. @returns its frames */
export function writeCrops(
  clip: FramesOf,
  squares: readonly Square[],
  { path, sidePixels, onCrop }: { path: string; sidePixels: number; onCrop: (rgb: Uint8Array) => void },
): Promise<number> {
  const { video } = clip.info;
  // Where the face is larger than the crop, the picture is made smaller first: that averages, cropping doesn't.
  const sides = squares.map(({ side }) => side).sort((a, b) => a - b);
  const scale = Math.min(1, (SPARE * sidePixels) / sides[sides.length >> 1]!);
  const width = Math.max(2, Math.round(video.width * scale));
  const height = Math.max(2, Math.round(video.height * scale));
  async function* crops() {
    let tick = 0;
    for await (const { data } of framesOf(clip, { width, height, fit: 'stretch' })) {
      const { x, y, side } = squares[tick++]!;
      const across = width / video.width;
      const crop = cropSquare(
        { width, height, channels: 3, data },
        { x: x * across, y: y * (height / video.height), side: side * across },
        sidePixels,
      );
      onCrop(crop);
      yield crop;
    }
  }
  const { frameRate, signal } = clip;
  return encodeFrames({ frames: crops(), width: sidePixels, height: sidePixels, frameRate, path, signal });
}

function framesOf(
  { path, info, startS, frameRate, frames, limits, signal }: FramesOf,
  view: { width: number; height: number; fit: 'contain' | 'stretch' },
): AsyncGenerator<DecodedFrame> {
  const beginS = Math.max(0, startS - LEAD_S);
  const decoded = decodeFrames(path, {
    views: [{ name: 'face', pixelFormat: 'rgb24', ...view }],
    ...(beginS > 0 ? { startS: beginS } : {}),
    durationS: startS - beginS + frames / frameRate + LEAD_S,
    info,
    limits,
    signal,
  });
  return framesAtTicks(decoded, { startS, frameRate, count: frames });
}

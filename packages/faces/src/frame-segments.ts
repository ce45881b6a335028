import { decodeFrames, type FrameView, type MediaInfo, type MediaLimits } from '@soundstage/media';
import type { RgbPicture } from './crop-rolled.js';
import { FACE_SIDE, type DetectedFace, type FaceModel } from './face-model.js';
import { createCutFinder, sketchFrame } from './shot-cuts.js';

/** A frame as the mesh looks at it. */
export interface LookedAt {
  timeS: number;
  picture: RgbPicture;
}

/** Frames of one shot that follow each other. */
export interface FrameSegment {
  frames: readonly LookedAt[];
  /** Whether a shot begins with the first frame. Such a segment is one frame long. */
  startsShot: boolean;
  /** The faces of the last frame, the surest first; in pixels of the picture as shown. */
  faces: Promise<DetectedFace[]>;
}

export interface SegmentsOf {
  path: string;
  info: MediaInfo & { video: NonNullable<MediaInfo['video']> };
  face: FaceModel;
  /** Size at which the pictures are decoded. */
  picture: { width: number; height: number };
  /** Default: the whole film. */
  span?: { startS: number; endS: number };
  limits: Partial<MediaLimits>;
  signal: AbortSignal | undefined;
}

/** More frames a second than these are not looked at. */
const MOST_FRAME_RATE = 30;
/** Faces are looked for at a shot's first frame and then at every so many. */
export const DETECT_EVERY = 6;

type Views = { small: Uint8Array; picture: RgbPicture; timeS: number };

/** Decodes a part of a film once, finds its shots and has faces detected every few frames. */
export async function* frameSegments(part: SegmentsOf): AsyncGenerator<FrameSegment, void, void> {
  const { face, signal } = part;
  const size = part.info.video;
  let frames: LookedAt[] = [];
  let small: Uint8Array | undefined;
  let startsShot = false;

  const segment = (): FrameSegment => {
    const faces = face.detect([small!], size, signal).then(([found]) => found!);
    // Whoever takes the segment sees the error; until then it is nobody's.
    faces.catch(() => undefined);
    const made = { frames, startsShot, faces };
    frames = [];
    startsShot = false;
    return made;
  };

  for await (const { frame, cut } of framesWithCuts(part)) {
    if (cut && frames.length > 0) yield segment();
    startsShot = cut;
    frames.push({ timeS: frame.timeS, picture: frame.picture });
    small = frame.small;
    if (cut || frames.length === DETECT_EVERY) yield segment();
  }
  if (frames.length > 0) yield segment();
}

async function* framesWithCuts(part: SegmentsOf): AsyncGenerator<{ frame: Views; cut: boolean }, void, void> {
  const cuts = createCutFinder<Views>();
  const shown = shownPart(part.info.video);
  for await (const frame of framesInViews(part)) yield* cuts.push(frame, sketchFrame(frame.small, FACE_SIDE, shown));
  yield* cuts.finish();
}

/** Both views of each frame together. */
async function* framesInViews({
  path,
  info,
  picture,
  span,
  limits,
  signal,
}: SegmentsOf): AsyncGenerator<Views, void, void> {
  const view = { pixelFormat: 'rgb24', maxFrameRate: MOST_FRAME_RATE } as const;
  const views: FrameView[] = [
    { ...view, name: 'small', width: FACE_SIDE, height: FACE_SIDE, fit: 'contain' },
    { ...view, name: 'picture', ...picture, fit: 'stretch' },
  ];
  const part = span ? { startS: span.startS, durationS: span.endS - span.startS } : {};
  const small: Uint8Array[] = [];
  const pictures: { data: Uint8Array; timeS: number }[] = [];
  for await (const { view: name, data, timeS } of decodeFrames(path, { views, info, limits, signal, ...part })) {
    if (name === 'small') small.push(data);
    else pictures.push({ data, timeS });
    if (small.length === 0 || pictures.length === 0) continue;
    const shown = pictures.shift()!;
    yield { small: small.shift()!, picture: { ...picture, data: shown.data }, timeS: shown.timeS };
  }
}

/** Where in the square with black sides the picture stands. */
function shownPart({ width, height }: { width: number; height: number }) {
  const longer = Math.max(width, height);
  const across = Math.max(1, Math.round((FACE_SIDE * width) / longer));
  const down = Math.max(1, Math.round((FACE_SIDE * height) / longer));
  return {
    left: Math.floor((FACE_SIDE - across) / 2),
    top: Math.floor((FACE_SIDE - down) / 2),
    width: across,
    height: down,
  };
}

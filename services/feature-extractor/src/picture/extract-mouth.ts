import { Feature } from '@soundstage/contracts';
import { cropSquare, mainTrack, smoothTrack, type DetectedFace, type Face, type Square } from '@soundstage/faces';
import type { VideoInfo } from '@soundstage/media';
import { asFloat32 } from '@soundstage/models';
import { LIP_POINTS, type KnownFeature } from '../features.js';
import { sizesOf } from '../feature-models.js';
import { createBatches, type Batches } from './batches.js';
import type { View } from './branch.js';
import type { Extraction } from '../extraction.js';
import { framesOf, type PictureOf } from './frames.js';

/** How a face is followed: as the preprocessor does for `sync`; lengths in sides of the face's box. */
const FOLLOW = { scoreAtLeast: 0.6, jumpSides: 0.5, longestGapS: 0.4, smoothS: 0.12 };
/** The face mesh looks at the face's box and a quarter of it at each side (MediaPipe's). */
const MESH_SIDES = 1.5;
/** The mouth's square: from nose to chin. */
const MOUTH_SIDES = 0.5;
/** Where the middle of the mouth stands among a face's points. */
const MOUTH_POINT = 3;
const LIPS_BATCH = 16;
const FLOW_BATCH = 33;
/** Pictures are made no larger than this many times what the crop needs. */
const SPARE = 1.25;

/** Where to cut in each frame; undefined where there is no face. */
type Squares = (Square | undefined)[];

/** What is cut out of the frames and worked on. */
interface Cut extends Batches {
  squares: Squares;
  sidePixels: number;
  channels: 1 | 3;
}

/**
 * Writes the features of the mouth: of the face that is seen largest and longest, where it is seen.
 *
 * @param faces of each frame, as `framesOf` counts them
 */
export async function extractMouth(
  picture: PictureOf,
  features: readonly KnownFeature[],
  faces: readonly (readonly DetectedFace[])[],
  extraction: Extraction,
): Promise<void> {
  const { video, durationS } = picture.info;
  const track = mainTrack(faces, FOLLOW) ?? faces.map(() => undefined);
  const frameRate = picture.frameRate || Math.min(video.frameRate, 33) || 1;
  const cuts: Cut[] = [];
  if (features.includes(Feature.LIPS)) {
    const squares = squaresOf(track, frameRate, MESH_SIDES, (face) => face);
    cuts.push(meshCut(squares, video, extraction));
  }
  if (features.includes(Feature.LIP_FLOW)) {
    const mouthOf = ({ points, ...face }: DetectedFace) => ({
      ...face,
      x: points[2 * MOUTH_POINT]!,
      y: points[2 * MOUTH_POINT + 1]!,
    });
    cuts.push(flowCut(squaresOf(track, frameRate, MOUTH_SIDES, mouthOf), extraction));
  }
  const views = cuts.map((cut) => viewFor(cut, video));
  for await (const { at, index, timeS, data } of framesOf(picture, views)) {
    const [cut, view] = [cuts[at]!, views[at]!];
    await cut.add(cropped(data, view, cut, index, video), timeS);
    if (durationS > 0) extraction.onProgress(Math.min(1, timeS / durationS));
  }
  for (const cut of cuts) await cut.finish();
}

/** A steady square around a place of the face. Short gaps are bridged; there is none where the face is long away. */
function squaresOf(
  track: readonly (DetectedFace | undefined)[],
  frameRate: number,
  cropSides: number,
  place: (face: DetectedFace) => Face,
): Squares {
  if (!track.some(Boolean)) return track.map(() => undefined);
  const squares = smoothTrack(
    track.map((face) => face && place(face)),
    frameRate,
    { smoothS: FOLLOW.smoothS, cropSides },
  );
  const there = bridged(track, FOLLOW.longestGapS * frameRate);
  return squares.map((square, n) => (there[n] ? square : undefined));
}

/** Whether the face is there: seen, or between two sightings that are no further apart than `longest` frames. */
function bridged(track: readonly unknown[], longest: number): boolean[] {
  const there = track.map(Boolean);
  let last = -1;
  track.forEach((face, n) => {
    if (!face) return;
    if (last >= 0 && n - last - 1 <= longest) there.fill(true, last, n);
    last = n;
  });
  return there;
}

function meshCut(squares: Squares, video: VideoInfo, { models, arrays, signal }: Extraction): Cut {
  const model = models.of('lips');
  const [, sidePixels] = sizesOf(model.card, model.card.inputs[0]!);
  let done = 0;
  const batches = createBatches({
    size: LIPS_BATCH,
    pairs: false,
    async work({ count, pixels }) {
      const faces = { dims: [count, sidePixels!, sidePixels!, 3], data: pixels };
      const made = await model.run({ faces }, { signal, outputs: ['points', 'score'] });
      const rows = new Float32Array(count * LIP_POINTS * 3);
      for (let n = 0; n < count; n++) {
        const square = squares[done + n];
        if (!square) continue;
        const points = asFloat32(made['points']).subarray(n * (LIP_POINTS - 1) * 3, (n + 1) * (LIP_POINTS - 1) * 3);
        rows.set(meshRow(points, asFloat32(made['score'])[n]!, square, video), n * LIP_POINTS * 3);
      }
      done += count;
      await arrays.append(Feature.LIPS, rows);
    },
  });
  return { squares, sidePixels: sidePixels!, channels: 3, ...batches };
}

/** From shares of the crop to shares of the picture. */
function meshRow(points: Float32Array, score: number, square: Square, { width, height }: VideoInfo): Float32Array {
  const row = new Float32Array(points.length + 3).fill(score);
  for (let at = 0; at < points.length; at += 3) {
    row[at] = (square.x + (points[at]! - 0.5) * square.side) / width;
    row[at + 1] = (square.y + (points[at + 1]! - 0.5) * square.side) / height;
    row[at + 2] = (points[at + 2]! * square.side) / width;
  }
  return row;
}

function flowCut(squares: Squares, { models, arrays, signal }: Extraction): Cut {
  const model = models.of('lip_flow');
  const [, sidePixels] = sizesOf(model.card, model.card.inputs[0]!);
  const rowLength = models.rowShapeOf(Feature.LIP_FLOW).reduce((product, side) => product * side, 1);
  let done = 0;
  const batches = createBatches({
    size: FLOW_BATCH,
    pairs: true,
    async work({ count, pixels }) {
      const mouths = { dims: [count, sidePixels!, sidePixels!], data: pixels };
      const { flow } = await model.run({ mouths }, { signal, outputs: ['flow'] });
      const rows = asFloat32(flow);
      for (let n = 0; n < count - 1; n++) {
        if (!squares[done + n] || !squares[done + n + 1]) rows.fill(0, n * rowLength, (n + 1) * rowLength);
      }
      done += count - 1;
      await arrays.append(Feature.LIP_FLOW, rows);
    },
  });
  return { squares, sidePixels: sidePixels!, channels: 1, ...batches };
}

/** Where the face is larger than the crop, the picture is made smaller first: that averages, cropping doesn't. */
function viewFor({ squares, sidePixels, channels }: Cut, video: VideoInfo): View {
  const sides = squares.flatMap((square) => square?.side ?? []).sort((a, b) => a - b);
  const median = sides[sides.length >> 1];
  const scale = median === undefined ? 0 : Math.min(1, (SPARE * sidePixels) / median);
  const side = (pixels: number) => Math.max(2, Math.round(pixels * scale));
  return {
    width: side(video.width),
    height: side(video.height),
    pixelFormat: channels === 1 ? 'gray' : 'rgb24',
    fit: 'stretch',
  };
}

/** The square of a frame that is looked at; black where there is none. */
function cropped(data: Uint8Array, { width, height }: View, cut: Cut, index: number, video: VideoInfo): Uint8Array {
  const { sidePixels, channels } = cut;
  const square = cut.squares[index];
  if (!square) return new Uint8Array(sidePixels * sidePixels * channels);
  const across = width / video.width;
  const place = { x: square.x * across, y: square.y * (height / video.height), side: square.side * across };
  return cropSquare({ width, height, channels, data }, place, sidePixels);
}

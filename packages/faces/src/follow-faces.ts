import type { MediaInfo, MediaLimits } from '@soundstage/media';
import { badInput } from '@soundstage/core';
import { createFaceFollower } from './face-follower.js';
import type { FaceModel } from './face-model.js';
import type { FaceTrack } from './face-track.js';
import { frameSegments, type FrameSegment, type SegmentsOf } from './frame-segments.js';
import type { MeshModel } from './mesh-model.js';
import { pictureSizeFor } from './picture-size.js';

export interface FollowFacesOptions {
  /** What `probe` told about the file. */
  info: MediaInfo;
  face: FaceModel;
  mesh: MeshModel;
  /** Look only here; seconds after the file's zero. Each begins a shot. Default: the whole film. */
  spans?: readonly { startS: number; endS: number }[];
  limits?: Partial<MediaLimits>;
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
}

export interface FollowedFaces {
  /** In the order of their first frames. */
  tracks: FaceTrack[];
  /** When each shot begins, the first at 0. */
  shotsS: number[];
}

/**
 * Follows all faces of a film through its shots: the three largest of each frame, at least 40 pixels wide, in at most
 * 30 frames a second. After a look at some key frames it decodes once, and keeps little more than the points, whatever the length.
 * Errors: as `decodeFrames`; BAD_INPUT where there is no picture.
 */
export async function followFaces(path: string, options: FollowFacesOptions): Promise<FollowedFaces> {
  const { info, face, mesh, signal, onProgress } = options;
  const { video } = info;
  if (video === undefined) throw badInput(`${info.name} has no picture.`, 'path');
  const spans = options.spans ? mergedSpans(options.spans, video.startS, video.startS + video.durationS) : [undefined];
  if (spans.length === 0) return { tracks: [], shotsS: [0] };
  const wholeS = spans.reduce((sum, span) => sum + (span ? span.endS - span.startS : video.durationS), 0);
  const film = { path, info: { ...info, video }, face, limits: options.limits ?? {}, signal };
  const picture = await pictureSizeFor(film, spans[0]?.startS, spans.at(-1)?.endS);
  const follower = createFaceFollower({ mesh, faceThreshold: face.threshold, size: video, signal });
  let doneS = 0;
  for (const span of spans) {
    const beginS = span?.startS ?? video.startS;
    const part: SegmentsOf = { ...film, picture, ...(span ? { span } : {}) };
    await inTurn(frameSegments(part), async (segment) => {
      await follower.add(segment);
      const hereS = segment.frames.at(-1)!.timeS - beginS;
      onProgress?.(wholeS > 0 ? Math.min(1, (doneS + hereS) / wholeS) : 1);
    });
    doneS += span ? span.endS - span.startS : video.durationS;
  }
  const tracks = follower.finish().sort((a, b) => a.timesS[0]! - b.timesS[0]!);
  return { tracks, shotsS: [0, ...follower.shotsS.slice(1)] };
}

/** Works on one segment while the next is decoded. */
async function inTurn(
  segments: AsyncGenerator<FrameSegment>,
  work: (segment: FrameSegment) => Promise<void>,
): Promise<void> {
  let working = Promise.resolve();
  try {
    for await (const segment of segments) {
      await working;
      working = work(segment);
      working.catch(() => undefined);
    }
  } finally {
    await working;
  }
}

/** In order, joined where they overlap, and within the picture. */
function mergedSpans(spans: readonly { startS: number; endS: number }[], fromS: number, toS: number) {
  const inside = spans
    .map(({ startS, endS }) => ({ startS: Math.max(0, fromS, startS), endS: Math.min(toS, endS) }))
    .filter(({ startS, endS }) => endS > startS)
    .sort((a, b) => a.startS - b.startS);
  const merged: { startS: number; endS: number }[] = [];
  for (const span of inside) {
    const last = merged.at(-1);
    if (last !== undefined && span.startS <= last.endS) last.endS = Math.max(last.endS, span.endS);
    else merged.push(span);
  }
  return merged;
}

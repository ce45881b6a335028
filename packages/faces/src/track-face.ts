/** How a face is followed, and what is too much; lengths in sides of the face's box. */
export interface FaceRules {
  /** A face counts from this score on. */
  scoreAtLeast: number;
  /** `no_face`: the face is away for at most so long, seconds. */
  longestGapS: number;
  /** `face_jumps`: from one frame to the next it moves by at most so much. */
  jumpSides: number;
  /** `several_faces`: another face has at most this share of the face's area, summed over time. */
  rivalShare: number;
  /** Side of the square that is shown. */
  cropSides: number;
  /** Standard deviation of the smoothing in time, seconds. */
  smoothS: number;
}

/** What makes two sightings one face. */
export type LinkRules = Pick<FaceRules, 'scoreAtLeast' | 'jumpSides'>;

/** A face in a frame, in pixels of the picture as shown. */
export interface Face {
  score: number;
  /** Its middle. */
  x: number;
  y: number;
  side: number;
}

/** A face followed through time: by frame, undefined where it wasn't seen. */
export type Track = (Face | undefined)[];

/** What came of the search for one face. */
export type TrackOutcome =
  | { found: true; track: Track; gapS: number; rivalShare: number }
  | {
      found: false;
      reason: 'no_face' | 'several_faces' | 'face_jumps';
      measured: number;
      limit: number;
      detail: string;
    };

/** A face that grows or shrinks by more than this between two sightings is another one. */
const MOST_GROWTH = 1.5;

/**
 * Follows faces through the frames and chooses the largest and longest.
 *
 * @param frames the faces of each frame, at a constant rate
 */
export function trackFace(frames: readonly (readonly Face[])[], frameRate: number, rules: FaceRules): TrackOutcome {
  const tracks = linkFaces(frames, rules);
  const main = largest(tracks);
  if (main === undefined) return noFace(frames.length / frameRate, rules);

  const gap = longestGap(main);
  const gapS = gap.length / frameRate;
  if (gapS > rules.longestGapS) {
    const elsewhere = tracks.filter((track) => track !== main && track.slice(gap.start, gap.end).some(Boolean));
    const seen = Array.from({ length: gap.length }, (_, n) => elsewhere.some((track) => track[gap.start + n]));
    if (seen.filter(Boolean).length < gap.length / 2) return noFace(gapS, rules);
    const sides = jumpOf(main, elsewhere, gap);
    return {
      found: false,
      reason: 'face_jumps',
      measured: sides,
      limit: rules.jumpSides,
      detail: `The face jumps by ${sides.toFixed(1)} of its sides; the limit is ${rules.jumpSides}. Cut the clip there.`,
    };
  }

  const mainArea = areaOf(main);
  const rivals = tracks.filter((track) => track !== main).map((track) => areaOf(track.filter((_, n) => main[n])));
  const rivalShare = Math.max(0, ...rivals) / mainArea;
  if (rivalShare > rules.rivalShare) {
    return {
      found: false,
      reason: 'several_faces',
      measured: rivalShare,
      limit: rules.rivalShare,
      detail: `Another face has ${rivalShare.toFixed(2)} of the first one's size and time; the limit is ${rules.rivalShare}.`,
    };
  }
  return { found: true, track: main, gapS, rivalShare };
}

/**
 * The face that is seen largest and longest, wherever it is seen; undefined where there is no face at all. Unlike
 * `trackFace` it asks for nothing more.
 */
export function mainTrack<Seen extends Face>(
  frames: readonly (readonly Seen[])[],
  rules: LinkRules,
): (Seen | undefined)[] | undefined {
  return largest(linkFaces(frames, rules));
}

/** Joins faces that are near and alike, the nearest first; one that was away may come back where it was. */
function linkFaces<Seen extends Face>(frames: readonly (readonly Seen[])[], rules: LinkRules): (Seen | undefined)[][] {
  const tracks: { faces: (Seen | undefined)[]; last: Seen }[] = [];
  frames.forEach((faces, frame) => {
    const sure = faces.filter(({ score }) => score >= rules.scoreAtLeast);
    const pairs = tracks
      .flatMap((track) => sure.map((face) => ({ track, face, sides: distanceSides(track.last, face) })))
      .filter(({ track, face, sides }) => sides <= rules.jumpSides && growth(track.last, face) <= MOST_GROWTH)
      .sort((a, b) => a.sides - b.sides);
    const taken = new Set<unknown>();
    for (const { track, face } of pairs) {
      if (taken.has(track) || taken.has(face)) continue;
      taken.add(track).add(face);
      track.faces[frame] = face;
      track.last = face;
    }
    for (const face of sure) {
      if (taken.has(face)) continue;
      const track = Array.from({ length: frames.length }, (): Seen | undefined => undefined);
      track[frame] = face;
      tracks.push({ faces: track, last: face });
    }
  });
  return tracks.map(({ faces }) => faces);
}

function largest<T extends Track>(tracks: readonly T[]): T | undefined {
  const areas = tracks.map((track) => areaOf(track));
  return tracks[areas.indexOf(Math.max(...areas))];
}

function noFace(gapS: number, { longestGapS }: FaceRules): TrackOutcome {
  return {
    found: false,
    reason: 'no_face',
    measured: gapS,
    limit: longestGapS,
    detail: `No face is seen for ${gapS.toFixed(2)} s; the limit is ${longestGapS} s.`,
  };
}

/** How far the face is from where it, or another, is seen next to the gap. */
function jumpOf(main: Track, others: readonly Track[], gap: Gap): number {
  const before = main[gap.start - 1];
  const after = main[gap.end];
  const seen = (from: readonly number[]) => {
    for (const frame of from) for (const track of others) if (track[frame]) return track[frame];
    return undefined;
  };
  const inside = Array.from({ length: gap.length }, (_, n) => gap.start + n);
  const jumps = [
    [before, seen(inside)],
    [after, seen(inside.toReversed())],
  ] as const;
  return Math.max(...jumps.map(([own, other]) => (own && other ? distanceSides(own, other) : 0)));
}

interface Gap {
  start: number;
  end: number;
  length: number;
}

/** The longest run of frames without the face, also at the beginning and the end. */
function longestGap(track: Track): Gap {
  let best: Gap = { start: 0, end: 0, length: 0 };
  let start = 0;
  for (let end = 0; end <= track.length; end++) {
    if (end < track.length && !track[end]) continue;
    if (end - start > best.length) best = { start, end, length: end - start };
    start = end + 1;
  }
  return best;
}

function areaOf(track: Track): number {
  return track.reduce((sum, face) => sum + (face ? face.side ** 2 : 0), 0);
}

function distanceSides(a: Face, b: Face): number {
  return Math.hypot(a.x - b.x, a.y - b.y) / Math.min(a.side, b.side);
}

function growth(a: Face, b: Face): number {
  return Math.max(a.side / b.side, b.side / a.side);
}

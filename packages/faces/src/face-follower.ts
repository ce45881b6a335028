import {
  CROP_SIDES,
  distanceFaces,
  placeBetween,
  placeOfFace,
  placeOfMesh,
  toPicture,
  type CropPlace,
} from './crop-place.js';
import { cropRolled } from './crop-rolled.js';
import type { DetectedFace } from './face-model.js';
import { growingTrack, type FaceTrack, type GrowingTrack } from './face-track.js';
import type { FrameSegment, LookedAt } from './frame-segments.js';
import { MESH_SIDE, type Mesh, type MeshModel } from './mesh-model.js';

/** Of more faces in a frame the smaller ones are left out. */
const MOST_FACES = 3;
/** Faces of smaller boxes are left out, pixels of the picture as shown: lips of a few pixels tell nothing. */
export const LEAST_FACE_PIXELS = 40;
/** A face that is followed may become this much smaller than those that are taken up. */
const SMALLEST_SHARE = 0.75;
/** Between two looks a face moves by at most so many of its sides, and grows by at most this factor. */
const MOST_MOVE = 0.7;
const MOST_GROWTH = 1.6;
/** Two places nearer than this are one face. */
const SAME_FACE = 0.35;
/** Crops that are handed to the mesh at once while the next ones are made. */
const CROPS_AT_ONCE = 4;

/** A face that is being followed. */
interface Followed {
  track: GrowingTrack;
  /** Its crop in the last frame; none when it is new. */
  last?: CropPlace;
  /** Its crop in the frame that faces are looked for in. */
  next: CropPlace;
  /** Whether the detector sees it there. */
  seen: boolean;
}

/** Follows faces from segment to segment. */
export interface FaceFollower {
  add(segment: FrameSegment): Promise<void>;
  /** The tracks of all faces, in the order in which they ended. */
  finish(): FaceTrack[];
  /** When each shot began. */
  readonly shotsS: readonly number[];
}

export interface FollowerOptions {
  mesh: MeshModel;
  /** Score from which the detector's faces count. */
  faceThreshold: number;
  /** Of the picture as shown; frames may come in another size. */
  size: { width: number; height: number };
  signal: AbortSignal | undefined;
}

/**
 * At the last frame of each segment the detector's faces are joined to those that are followed, and the mesh finds each
 * one's place anew. Crops of the frames between stand between those places, so that they move smoothly and can all be
 * looked at together. A face that the detector misses is followed for as long as the mesh sees one.
 */
export function createFaceFollower({ mesh, faceThreshold, size, signal }: FollowerOptions): FaceFollower {
  const shotsS: number[] = [];
  const ended: FaceTrack[] = [];
  let followed: Followed[] = [];

  const end = (gone: readonly Followed[]) => {
    followed = followed.filter((face) => !gone.includes(face));
    for (const { track } of gone) if (track.frames > 0) ended.push(track.finish());
  };

  /** The meshes of places in frames. They are looked at while the next crops are made. */
  const look = async (wanted: readonly { frame: LookedAt; place: CropPlace }[]): Promise<Mesh[]> => {
    const runs: Promise<Mesh[]>[] = [];
    for (let at = 0; at < wanted.length; at += CROPS_AT_ONCE) {
      const crops = wanted.slice(at, at + CROPS_AT_ONCE).map(({ frame, place }) => crop(frame, place, size));
      runs.push(mesh.find(crops, signal));
    }
    return (await Promise.all(runs)).flat();
  };

  /** Where each face stands in the frame, by the mesh; undefined where that doesn't see it. */
  const placesIn = async (frame: LookedAt, faces: readonly Followed[]): Promise<(CropPlace | undefined)[]> => {
    const meshes = await look(faces.map(({ next }) => ({ frame, place: next })));
    return meshes.map(({ points, score }, n) =>
      score < mesh.threshold ? undefined : placeOfMesh(toPicture(points, faces[n]!.next)),
    );
  };

  return {
    shotsS,
    async add({ frames, startsShot, faces }) {
      if (startsShot) {
        end(followed);
        shotsS.push(frames[0]!.timeS);
      }
      const sure = (await faces).filter(({ score, side }) => score >= faceThreshold && side >= LEAST_FACE_PIXELS);
      followed = join(followed, sure, shotsS.length - 1);
      const places = await placesIn(frames.at(-1)!, followed);
      const left = leftOut(followed, places);
      end(left.map((n) => followed[n]!));
      const known = places.filter((_, n) => !left.includes(n));

      const wanted = followed.flatMap((face, n) =>
        frames.map((frame, at) => ({ face, frame, place: placeAt(face, known[n], (at + 1) / frames.length) })),
      );
      const meshes = await look(wanted);
      const rows = wanted.map(({ face, frame, place }, n) => ({ face, frame, place, ...meshes[n]! }));
      const gone: Followed[] = [];
      followed.forEach((face, n) => {
        const own = rows.filter((row) => row.face === face);
        for (const { frame, place, points, score } of visible(own, mesh.threshold, face.last === undefined)) {
          face.track.add(frame.timeS, toPicture(points, place), score);
        }
        if (known[n]) face.last = known[n];
        else gone.push(face);
      });
      end(gone);
    },
    finish() {
      end(followed);
      return ended;
    },
  };
}

/** Joins the detector's faces to those that are followed, the nearest first; others are new. */
function join(followed: readonly Followed[], faces: readonly DetectedFace[], shot: number): Followed[] {
  const places = faces.map(placeOfFace);
  const pairs = followed
    .flatMap((face) => places.map((place) => ({ face, place, distance: distanceFaces(face.last!, place) })))
    .filter(({ face, place, distance }) => distance <= MOST_MOVE && growth(face.last!, place) <= MOST_GROWTH)
    .sort((a, b) => a.distance - b.distance);
  const joined = new Map<Followed, CropPlace>();
  const taken = new Set<CropPlace>();
  for (const { face, place } of pairs) {
    if (joined.has(face) || taken.has(place)) continue;
    joined.set(face, place);
    taken.add(place);
  }
  const kept = followed.map((face) => {
    const place = joined.get(face);
    face.next = place ?? face.last!;
    face.seen = place !== undefined;
    return face;
  });
  const fresh = places
    .filter((place) => !taken.has(place))
    .sort((a, b) => b.side - a.side)
    .slice(0, MOST_FACES)
    .map((next): Followed => ({ track: growingTrack(shot), next, seen: true }));
  return [...kept, ...fresh];
}

/**
 * Those that stand where another one stands (the one that the detector sees stays, then the older one), that have become
 * small, or that are too many, the smallest first.
 */
function leftOut(faces: readonly Followed[], places: readonly (CropPlace | undefined)[]): number[] {
  const kept: number[] = [];
  const placeOf = (n: number) => places[n] ?? faces[n]!.last ?? faces[n]!.next;
  const order = faces.map((_, n) => n).sort((a, b) => Number(faces[b]!.seen) - Number(faces[a]!.seen) || a - b);
  for (const n of order) {
    const double =
      places[n] !== undefined && kept.some((other) => distanceFaces(placeOf(other), placeOf(n)) < SAME_FACE);
    if (!double && placeOf(n).side >= SMALLEST_SHARE * CROP_SIDES * LEAST_FACE_PIXELS) kept.push(n);
  }
  const shown = kept.sort((a, b) => placeOf(b).side - placeOf(a).side).slice(0, MOST_FACES);
  return faces.map((_, n) => n).filter((n) => !shown.includes(n));
}

/** The crop at a share of the way from the last frame of the segment before to that of this one. */
function placeAt({ last, next }: Followed, place: CropPlace | undefined, share: number): CropPlace {
  if (last === undefined) return place ?? next;
  return place === undefined ? last : placeBetween(last, place, share);
}

/** The frames in which the mesh sees the face; before a new one was found, only those without a gap until then. */
function visible<Row extends { score: number }>(rows: readonly Row[], threshold: number, fresh: boolean): Row[] {
  const from = fresh ? rows.findLastIndex(({ score }) => score < threshold) + 1 : 0;
  return rows.slice(from).filter(({ score }) => score >= threshold);
}

function growth(a: CropPlace, b: CropPlace): number {
  return Math.max(a.side / b.side, b.side / a.side);
}

function crop({ picture }: LookedAt, place: CropPlace, size: { width: number }): Uint8Array {
  const across = picture.width / size.width;
  const inPicture = { ...place, x: place.x * across, y: place.y * across, side: place.side * across };
  return cropRolled(picture, inPicture, MESH_SIDE);
}

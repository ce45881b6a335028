import type { FaceTrack, FollowedFaces } from '@soundstage/faces';

/** Faces that were followed in a film, by its blocks, kept for measuring another film with the very same pictures. */
export interface Looks {
  /** Undefined where the block wasn't looked at, or was more than is kept. */
  of(block: number): FollowedFaces | undefined;
  keep(block: number, look: FollowedFaces): void;
}

/** An hour of one face. */
const MOST_BYTES = 64 * 2 ** 20;

/** Keeps the looks at the first so many bytes' worth of a film: the rest is looked at anew. */
export function createLooks(mostBytes = MOST_BYTES): Looks {
  const kept = new Map<number, FollowedFaces>();
  let bytes = 0;
  return {
    of: (block) => kept.get(block),
    keep(block, look) {
      const size = look.tracks.reduce((sum, track) => sum + bytesOf(track), 0);
      if (kept.has(block) || bytes + size > mostBytes) return;
      bytes += size;
      kept.set(block, look);
    },
  };
}

/** The same looks where each picture is shown so much later, seconds. */
export function movedLooks(looks: Looks, byS: number): Looks {
  return {
    of(block) {
      const look = looks.of(block);
      if (look === undefined || byS === 0) return look;
      return {
        tracks: look.tracks.map((track) => ({ ...track, timesS: track.timesS.map((timeS) => timeS + byS) })),
        shotsS: look.shotsS.map((shotS) => Math.max(0, shotS + byS)),
      };
    },
    keep: () => undefined,
  };
}

const bytesOf = ({ timesS, points, scores, boxes }: FaceTrack): number =>
  timesS.byteLength + points.byteLength + scores.byteLength + boxes.byteLength;

/** A piece of a long series, with what it shares with its neighbours. */
export interface Piece {
  /** [rows, width], row by row. */
  data: Float32Array;
  rows: number;
  last: boolean;
}

/**
 * Cuts a series of rows that comes bit by bit into pieces of `size` rows; each begins with the last `overlap` rows of the
 * one before. The last one is longer than the others rather than shorter, up to twice as long: at the end of a film a net
 * needs as much to go by as elsewhere. No rows give no piece.
 */
export function cutOverlapping({ width, size, overlap }: { width: number; size: number; overlap: number }): {
  add(rows: Float32Array): Piece[];
  finish(): Piece[];
} {
  let held = new Float32Array(0);
  return {
    add(rows) {
      const all = new Float32Array(held.length + rows.length);
      all.set(held);
      all.set(rows, held.length);
      const pieces: Piece[] = [];
      let from = 0;
      const whole = size + (size - overlap);
      while (all.length / width - from >= whole) {
        pieces.push({ data: all.slice(from * width, (from + size) * width), rows: size, last: false });
        from += size - overlap;
      }
      held = all.slice(from * width);
      return pieces;
    },
    finish() {
      const [data, rows] = [held, held.length / width];
      held = new Float32Array(0);
      return rows === 0 ? [] : [{ data, rows, last: true }];
    },
  };
}

/**
 * Joins what was made of overlapping pieces to one series again: in the middle `fade` rows of each overlap one goes over
 * into the next, what lies farther out is left out, since a net knows least at the edges of what it sees.
 *
 * keepPower: for waveforms, whose two versions may differ in phase: where they do, a plain crossfade would be softer in
 * its middle than around it. The gain makes up for that, by how much they agree.
 */
export function joinOverlapping(options: { width: number; overlap: number; fade: number; keepPower?: boolean }): {
  /** Gives the rows that are now certain. data: [rows, width]. */
  add(data: Float32Array, last: boolean): Float32Array;
} {
  const { width, overlap, fade, keepPower = false } = options;
  const edge = Math.floor((overlap - fade) / 2) * width;
  const faded = fade * width;
  let before: Float32Array | undefined; // the fade's rows of the piece before
  return {
    add(data, last) {
      let from = 0;
      const own = Float32Array.from(data);
      if (before !== undefined) {
        from = edge;
        crossfade(before, own.subarray(from, from + faded), width, keepPower);
      }
      const until = last ? own.length : own.length - overlap * width + edge;
      before = last ? undefined : own.slice(until, until + faded);
      return own.subarray(from, until);
    },
  };
}

/** Writes the way from one to the other into `into`, which holds the other. */
function crossfade(from: Float32Array, into: Float32Array, width: number, keepPower: boolean): void {
  const rows = into.length / width;
  const agreement = keepPower ? correlation(from, into) : 1;
  for (let row = 0; row < rows; row++) {
    const share = 0.5 - 0.5 * Math.cos((Math.PI * (row + 0.5)) / rows);
    const power = share ** 2 + (1 - share) ** 2 + 2 * agreement * share * (1 - share);
    const gain = 1 / Math.sqrt(power);
    for (let i = row * width; i < (row + 1) * width; i++) into[i] = gain * (share * into[i]! + (1 - share) * from[i]!);
  }
}

/** 1 for the same, 0 for strangers; opposites count as strangers, since nothing can be made of their sum. */
function correlation(a: Float32Array, b: Float32Array): number {
  let [aa, bb, ab] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
    ab += a[i]! * b[i]!;
  }
  return aa === 0 || bb === 0 ? 1 : Math.min(1, Math.max(0, ab / Math.sqrt(aa * bb)));
}

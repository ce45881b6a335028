/** A frame made small, to tell shots apart. */
export interface ShotSketch {
  /** COLUMNS × ROWS × 3 mean colours. */
  colours: Float32Array;
  /** Standard deviation of the colours over the picture. */
  contrast: number;
}

const COLUMNS = 32;
const ROWS = 18;
/** Two frames of one shot may be shifted against each other by so many cells. */
const SHIFT_COLUMNS = 3;
const SHIFT_ROWS = 2;
/** Contrast below this counts as this: in the dark noise is no cut. */
const LEAST_CONTRAST = 8;
/** Frames differ when their colours lie so far apart, in contrasts; unrelated pictures are about 1 apart. */
const CUT_AT = 0.5;
/** A cut stands out from the motion before it and after it by this factor; a fade doesn't. */
const STANDS_OUT = 2.5;
/** So many frames on each side must differ from all on the other: a flash comes back to what it was. */
export const CUT_REACH = 4;

/** @param picture 3 bytes a pixel; of it the part that holds the picture, without black at the sides */
export function sketchFrame(
  data: Uint8Array,
  width: number,
  part: { left: number; top: number; width: number; height: number },
): ShotSketch {
  const colours = new Float32Array(COLUMNS * ROWS * 3);
  for (let row = 0; row < ROWS; row++) {
    const [y0, y1] = cell(row, ROWS, part.top, part.height);
    for (let column = 0; column < COLUMNS; column++) {
      const [x0, x1] = cell(column, COLUMNS, part.left, part.width);
      let [red, green, blue] = [0, 0, 0];
      for (let y = y0; y < y1; y++) {
        for (let x = x0, at = 3 * (y * width + x0); x < x1; x++, at += 3) {
          red += data[at]!;
          green += data[at + 1]!;
          blue += data[at + 2]!;
        }
      }
      const scale = 1 / ((x1 - x0) * (y1 - y0));
      colours.set([red * scale, green * scale, blue * scale], 3 * (row * COLUMNS + column));
    }
  }
  return { colours, contrast: deviation(colours) };
}

function cell(n: number, count: number, start: number, length: number): [number, number] {
  const from = start + Math.floor((n * length) / count);
  return [from, Math.max(from + 1, start + Math.floor(((n + 1) * length) / count))];
}

function deviation(colours: Float32Array): number {
  let squares = 0;
  for (let channel = 0; channel < 3; channel++) {
    let [sum, sumSquares] = [0, 0];
    for (let at = channel; at < colours.length; at += 3) {
      sum += colours[at]!;
      sumSquares += colours[at]! ** 2;
    }
    const count = colours.length / 3;
    squares += Math.max(0, sumSquares / count - (sum / count) ** 2) / 3;
  }
  return Math.sqrt(squares);
}

/** How far two frames are apart in contrasts, at the shift that fits best: a camera that moves is no cut. */
export function sketchDistance(a: ShotSketch, b: ShotSketch): number {
  const contrast = Math.max(LEAST_CONTRAST, (a.contrast + b.contrast) / 2);
  const still = meanDifference(a.colours, b.colours, 0, 0) / contrast;
  // Most frames lie near the one before; the search is for the others.
  if (still < CUT_AT / STANDS_OUT / 2) return still;
  let least = still;
  for (let down = -SHIFT_ROWS; down <= SHIFT_ROWS; down++) {
    for (let right = -SHIFT_COLUMNS; right <= SHIFT_COLUMNS; right++) {
      least = Math.min(least, meanDifference(a.colours, b.colours, right, down) / contrast);
    }
  }
  return least;
}

function meanDifference(a: Float32Array, b: Float32Array, right: number, down: number): number {
  let sum = 0;
  let count = 0;
  for (let row = Math.max(0, down); row < Math.min(ROWS, ROWS + down); row++) {
    const from = 3 * (row * COLUMNS + Math.max(0, right));
    const to = 3 * (row * COLUMNS + Math.min(COLUMNS, COLUMNS + right));
    const shift = 3 * (down * COLUMNS + right);
    for (let at = from; at < to; at++) sum += Math.abs(a[at]! - b[at - shift]!);
    count += to - from;
  }
  return sum / count;
}

/** Tells of each frame whether a shot begins with it. Frames are held back until what follows them is known. */
export interface CutFinder<Frame> {
  /** @returns the frames that are decided, in order */
  push(frame: Frame, sketch: ShotSketch): { frame: Frame; cut: boolean }[];
  /** The frames that are left. */
  finish(): { frame: Frame; cut: boolean }[];
}

/** The first frame begins a shot. */
export function createCutFinder<Frame>(): CutFinder<Frame> {
  /** Frames of the shot that is on, then those that are not decided. */
  const before: ShotSketch[] = [];
  const waiting: { frame: Frame; sketch: ShotSketch }[] = [];
  let motion: number[] = [];
  let started = false;

  const decide = (): { frame: Frame; cut: boolean } => {
    const [{ frame, sketch }] = waiting as [{ frame: Frame; sketch: ShotSketch }];
    const after = waiting.slice(0, CUT_REACH).map((each) => each.sketch);
    const last = before.at(-1);
    const step = last === undefined ? Infinity : sketchDistance(last, sketch);
    const following = after.slice(1).map((next, n) => sketchDistance(after[n]!, next));
    const usual = Math.max(middleOf(motion), middleOf(following));
    const cut =
      !started ||
      (step >= CUT_AT &&
        step >= STANDS_OUT * usual &&
        before.every((earlier) => after.every((later) => sketchDistance(earlier, later) >= CUT_AT)));
    if (cut) {
      before.length = 0;
      motion = [];
    } else {
      motion = [...motion, step].slice(-CUT_REACH);
    }
    started = true;
    before.push(sketch);
    if (before.length > CUT_REACH) before.shift();
    waiting.shift();
    return { frame, cut };
  };

  return {
    push(frame, sketch) {
      waiting.push({ frame, sketch });
      return waiting.length > CUT_REACH - 1 ? [decide()] : [];
    },
    finish() {
      const rest = [];
      while (waiting.length > 0) rest.push(decide());
      return rest;
    },
  };
}

function middleOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** A picture of bytes, rows from the top. */
export interface CroppedPicture {
  width: number;
  height: number;
  /** 3: red, green, blue; 1: grey. */
  channels: 1 | 3;
  data: Uint8Array;
}

/**
 * Shows a square of a picture in `sidePixels` × `sidePixels`, interpolated bilinearly; what lies outside of the picture
 * continues its edge.
 *
 * @param square middle and side in pixels of `picture`; not much larger than `sidePixels`, or fine detail flickers
 */
export function cropSquare(
  { width, height, channels, data }: CroppedPicture,
  square: { x: number; y: number; side: number },
  sidePixels: number,
): Uint8Array {
  const step = square.side / sidePixels;
  // The middle of a pixel lies half a pixel inside.
  const columns = taps(square.x - square.side / 2 + step / 2 - 0.5, step, sidePixels, width);
  const rows = taps(square.y - square.side / 2 + step / 2 - 0.5, step, sidePixels, height);
  const shown = new Uint8Array(sidePixels * sidePixels * channels);
  let at = 0;
  for (let row = 0; row < sidePixels; row++) {
    const above = rows.first[row]! * width;
    const below = rows.second[row]! * width;
    const down = rows.share[row]!;
    for (let column = 0; column < sidePixels; column++) {
      const left = columns.first[column]!;
      const right = columns.second[column]!;
      const across = columns.share[column]!;
      for (let channel = 0; channel < channels; channel++) {
        const a = data[channels * (above + left) + channel]!;
        const b = data[channels * (above + right) + channel]!;
        const c = data[channels * (below + left) + channel]!;
        const d = data[channels * (below + right) + channel]!;
        const top = a + (b - a) * across;
        shown[at++] = top + (c + (d - c) * across - top) * down + 0.5;
      }
    }
  }
  return shown;
}

/** For each place the two neighbours it lies between, kept inside, and its share of the second. */
function taps(start: number, step: number, count: number, size: number) {
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const share = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    const place = Math.min(size - 1, Math.max(0, start + n * step));
    first[n] = Math.floor(place);
    second[n] = Math.min(size - 1, first[n]! + 1);
    share[n] = place - first[n]!;
  }
  return { first, second, share };
}

import type { CropPlace } from './crop-place.js';

/** An RGB picture of bytes, rows from the top. */
export interface RgbPicture {
  width: number;
  height: number;
  data: Uint8Array;
}

/** From this ratio of source to shown pixels on, whole squares of pixels are averaged first. */
const AVERAGED_FROM = 1.75;

/**
 * Shows a turned square of an RGB picture upright in `sidePixels` × `sidePixels`, interpolated bilinearly; what lies
 * outside of the picture continues its edge. A square that is much larger is averaged down first, so that fine detail
 * doesn't flicker.
 *
 * @param place in pixels of `picture`
 */
export function cropRolled(picture: RgbPicture, place: CropPlace, sidePixels: number): Uint8Array {
  const block = Math.floor(place.side / sidePixels + 2 - AVERAGED_FROM);
  if (block <= 1) return sampled(picture, place, sidePixels);
  const { cut, left, top } = averaged(picture, place, block);
  const inside = { ...place, x: (place.x - left) / block, y: (place.y - top) / block, side: place.side / block };
  return sampled(cut, inside, sidePixels);
}

function sampled({ width, height, data }: RgbPicture, place: CropPlace, sidePixels: number): Uint8Array {
  const step = place.side / sidePixels;
  const [cos, sin] = [step * Math.cos(place.angleRad), step * Math.sin(place.angleRad)];
  const middle = (sidePixels - 1) / 2;
  const shown = new Uint8Array(sidePixels * sidePixels * 3);
  const lastColumn = width - 1;
  const lastRow = height - 1;
  let at = 0;
  for (let row = 0; row < sidePixels; row++) {
    // The middle of a pixel lies half a pixel inside.
    let x = place.x - 0.5 - cos * middle - sin * (row - middle);
    let y = place.y - 0.5 - sin * middle + cos * (row - middle);
    for (let column = 0; column < sidePixels; column++, x += cos, y += sin) {
      const inX = x < 0 ? 0 : x > lastColumn ? lastColumn : x;
      const inY = y < 0 ? 0 : y > lastRow ? lastRow : y;
      const left = inX | 0;
      const top = inY | 0;
      const a = 3 * (top * width + left);
      const b = left < lastColumn ? a + 3 : a;
      const down = top < lastRow ? 3 * width : 0;
      const across = inX - left;
      const below = inY - top;
      const shareD = across * below;
      const shareB = across - shareD;
      const shareC = below - shareD;
      const shareA = 1 - across - shareC;
      const c = a + down;
      const d = b + down;
      shown[at] = data[a]! * shareA + data[b]! * shareB + data[c]! * shareC + data[d]! * shareD + 0.5;
      shown[at + 1] =
        data[a + 1]! * shareA + data[b + 1]! * shareB + data[c + 1]! * shareC + data[d + 1]! * shareD + 0.5;
      shown[at + 2] =
        data[a + 2]! * shareA + data[b + 2]! * shareB + data[c + 2]! * shareC + data[d + 2]! * shareD + 0.5;
      at += 3;
    }
  }
  return shown;
}

/** The part of the picture around the place, each `block` × `block` pixels made one; always the same blocks, so that none trembles. */
function averaged({ width, height, data }: RgbPicture, place: CropPlace, block: number) {
  const reach = (place.side / 2) * (Math.abs(Math.cos(place.angleRad)) + Math.abs(Math.sin(place.angleRad))) + block;
  const columns = Math.max(1, Math.floor(width / block));
  const rows = Math.max(1, Math.floor(height / block));
  const inside = (place: number, count: number) => Math.min(count - 1, Math.max(0, Math.floor(place / block)));
  const [x0, x1] = [inside(place.x - reach, columns), inside(place.x + reach, columns)];
  const [y0, y1] = [inside(place.y - reach, rows), inside(place.y + reach, rows)];
  const cut = { width: x1 - x0 + 1, height: y1 - y0 + 1, data: new Uint8Array((x1 - x0 + 1) * (y1 - y0 + 1) * 3) };
  const scale = 1 / (block * block);
  let at = 0;
  for (let row = y0; row <= y1; row++) {
    for (let column = x0; column <= x1; column++) {
      let [red, green, blue] = [0, 0, 0];
      for (let down = 0; down < block; down++) {
        let from = 3 * ((row * block + down) * width + column * block);
        for (let across = 0; across < block; across++, from += 3) {
          red += data[from]!;
          green += data[from + 1]!;
          blue += data[from + 2]!;
        }
      }
      cut.data[at] = red * scale + 0.5;
      cut.data[at + 1] = green * scale + 0.5;
      cut.data[at + 2] = blue * scale + 0.5;
      at += 3;
    }
  }
  return { cut, left: x0 * block, top: y0 * block };
}

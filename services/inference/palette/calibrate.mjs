// Fits how sure recognition may call itself: node services/inference/palette/calibrate.mjs [--cache DIR]
// On the pictures of Debian's tuxpaint-stamps-default, of which bench/labels/stamps-classes.csv tells what may sound.
// None of them is shipped, and none shows anything of the clips that recognition is measured on.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fetchPackage } from './fetch.mjs';

process.env.ORT_DISABLE_TELEMETRY = '1';
const STAMPS = { registry: 'debian', name: 'tuxpaint-stamps-default', version: '2022.06.04-1' };
/** Stamps have no background of their own. */
const BACKGROUNDS = ['white', '0x808080', '0x405030'];
/** Share of the height that the thing fills: pictures in the wild show more than the thing. */
const SIZES = [0.9, 0.55];
const root = resolve(import.meta.dirname, '../../..');
const cacheAt = process.argv.indexOf('--cache');
const cacheDir = cacheAt > 0 ? process.argv[cacheAt + 1] : join(tmpdir(), 'soundstage-palette');

const { CALIBRATION, watch, weigh } = await import(join(root, 'services/inference/dist/jobs/foley/see/what.js'));
const { openRecognition } = await import(join(root, 'bench/lib/recognition.mjs'));
const { models, palette, close } = await openRecognition();
const folder = join(fetchPackage(STAMPS, cacheDir), 'usr/share/tuxpaint/stamps');
const pictures = readFileSync(join(root, 'bench/labels/stamps-classes.csv'), 'utf8').trim().split('\n').slice(1);

const points = [];
let [right, named] = [0, 0];
for (const line of pictures) {
  const [picture, expected] = line.split(',');
  const allowed = new Set(expected.split(' ').filter(Boolean));
  for (const [index, background] of BACKGROUNDS.entries()) {
    const recognised = await recognise(join(folder, picture), background, SIZES[index % SIZES.length]);
    if (allowed.size > 0) {
      named++;
      if (recognised.slice(0, 3).some(({ label }) => allowed.has(label))) right++;
    }
    for (const { label, confidence } of recognised) {
      const odds = (Math.log(confidence / (1 - confidence)) - CALIBRATION.offset) / CALIBRATION.slope;
      if (odds > Math.log(0.02 / 0.98)) points.push({ odds, right: allowed.has(label) ? 1 : 0 });
    }
  }
}
await close();
const { slope, offset } = fitted(points);
console.log(
  `${pictures.length} pictures on ${BACKGROUNDS.length} backgrounds, ${points.length} guesses; top 3 right ${right} of ${named}`,
);
console.log(`CALIBRATION = { slope: ${slope.toFixed(2)}, offset: ${offset.toFixed(2)} }`);

async function recognise(path, background, size) {
  const watcher = watch(models, palette);
  await watcher.addForClassifier(pixels(path, background, size, 224), 0);
  await watcher.addForDetector(pixels(path, background, size, 416), 0);
  return weigh(palette.classes, await watcher.finish()).map((each) => ({
    ...each,
    confidence: Math.min(1 - 1e-6, Math.max(1e-6, each.confidence)),
  }));
}

function pixels(path, background, size, side) {
  const inner = Math.round(side * size);
  const filter = `color=${background}:s=${side}x${side}[b];[0:v]format=rgba,scale=${inner}:${inner}:force_original_aspect_ratio=decrease:flags=area[t];[b][t]overlay=(W-w)/2:(H-h)/2:format=auto,format=rgb24`;
  const args = [
    '-v',
    'error',
    '-nostdin',
    '-i',
    path,
    '-filter_complex',
    filter,
    '-frames:v',
    '1',
    '-f',
    'rawvideo',
    '-',
  ];
  return execFileSync('ffmpeg', args, { maxBuffer: 1 << 26 });
}

/** Logistic regression by Newton's method. */
function fitted(data) {
  let [slope, offset] = [1, 0];
  for (let round = 0; round < 50; round++) {
    let [gs, go, hss, hso, hoo] = [0, 0, 1e-6, 0, 1e-6];
    for (const { odds, right: is } of data) {
      const p = 1 / (1 + Math.exp(-(slope * odds + offset)));
      const weight = p * (1 - p);
      gs += (is - p) * odds;
      go += is - p;
      hss += weight * odds * odds;
      hso += weight * odds;
      hoo += weight;
    }
    const det = hss * hoo - hso * hso;
    slope += (hoo * gs - hso * go) / det;
    offset += (hss * go - hso * gs) / det;
  }
  return { slope, offset };
}

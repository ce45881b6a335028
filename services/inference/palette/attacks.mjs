// Finds where each struck recording is heard to begin and writes it into palette.json, for the ones that begin softly:
// a grunt or a moo swells, so that its loud part would come too late. build.mjs ends with it.
//   node services/inference/palette/attacks.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = import.meta.dirname;
const dist = resolve(folder, '..', 'dist');
const { openPalette, LEAD_S } = await import(join(dist, 'jobs/foley/palette/palette.js'));
const { render } = await import(join(dist, 'jobs/foley/render/render.js'));
const { detectOnsets } = await import(join(dist, 'testing/detect-onsets.js'));

const RATE_HZ = 48_000;
/** Nobody hears less. */
const HEARD_S = 0.005;
/** What comes later is another event in the recording. */
const LATEST_S = 0.4;
const AT_S = 0.5;

const path = join(folder, 'palette.json');
const list = JSON.parse(readFileSync(path, 'utf8'));
for (const sound of list.sounds) delete sound.attackS;
writeFileSync(path, written(list)); // measured without what was found before
const root = resolve(folder, '..', '..', '..');
const labels = (name) => JSON.parse(readFileSync(join(root, 'models', name, 'labels.json'), 'utf8'));
const palette = await openPalette(folder, { imagenet: labels('classifier/2'), coco: labels('detector/1') });
for (const soundClass of palette.classes.filter(({ kind }) => kind === 'struck')) {
  for (const recording of await palette.load(soundClass)) {
    const lateS = attackAfterLead(recording);
    if (Math.abs(lateS) <= HEARD_S) continue;
    const sound = list.sounds.find(({ id }) => id === recording.name);
    sound.attackS = Number((LEAD_S + lateS).toFixed(4));
    console.log(`${sound.id}: heard ${Math.round(lateS * 1000)} ms after it begins`);
  }
}
writeFileSync(path, written(list));

function attackAfterLead(recording) {
  const hit = { timeS: AT_S, sound: () => recording, gain: 0.5, rate: 1, side: 0 };
  const parts = [...render({ durationS: AT_S + 1.2, hits: [hit], beds: [] })];
  const pcm = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (pcm.set(part, at), at + part.length), 0);
  const found = detectOnsets(pcm, RATE_HZ)
    .map((onsetS) => onsetS - AT_S)
    .filter((lateS) => lateS > -0.05 && lateS < LATEST_S)
    .sort((a, b) => Math.abs(a) - Math.abs(b));
  return found[0] ?? halfLevelS(pcm) - AT_S;
}

/** When 10 ms are half as loud as the loudest. */
function halfLevelS(pcm) {
  const step = RATE_HZ / 100;
  const levels = Array.from({ length: Math.floor(pcm.length / 2 / step) }, (_, i) =>
    Math.sqrt(pcm.subarray(i * step * 2, (i + 1) * step * 2).reduce((sum, x) => sum + x * x, 0)),
  );
  return levels.findIndex((level) => level >= Math.max(...levels) / 2) / 100;
}

function written(value) {
  return `${JSON.stringify(value, null, 1)}\n`;
}

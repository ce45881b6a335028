// How often the right sound is among those that recognition names, on real clips labelled by hand.
//   npm run bench -- classes
// The clips are taken from SOUNDSTAGE_DATA (default: shared/data beside the checkout), the labels from
// labels/foley-classes.csv. They were labelled before anything was recognised, and nothing is fitted to them.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openRecognition } from './lib/recognition.mjs';

process.env.ORT_DISABLE_TELEMETRY = '1';
const root = resolve(import.meta.dirname, '..');
const data = join(process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data'), 'foley');
const BINS = 5;

const clips = readCsv(readFileSync(join(root, 'bench/labels/foley-classes.csv'), 'utf8'));
const present = clips.filter(({ clip }) => existsSync(join(data, clip)));
const skipped = clips.length - present.length;
if (skipped > 0) console.log(`Classes: ${skipped} of ${clips.length} clips skipped, since they are not there.`);
if (present.length > 0) await measure(present);

async function measure(rows) {
  const { watchClip, examine } = await import(join(root, 'services/inference/dist/jobs/foley/look.js'));
  const { decide, watch, weigh } = await import(join(root, 'services/inference/dist/jobs/foley/see/what.js'));
  const { models, palette, close } = await openRecognition();
  const motion = { add: async () => undefined, finish: async () => undefined };
  const results = [];
  for (const row of rows) {
    const watcher = watch(models, palette);
    const clip = await examine(join(data, row.clip), { keepOriginal: true });
    await watchClip(clip, { motion, watcher }, 'standard', {});
    const recognised = weigh(palette.classes, await watcher.finish());
    const allowed = new Set(row.expected.split(' ').filter(Boolean));
    results.push({ ...row, allowed, recognised, decision: decide(recognised, palette) });
  }
  await close();
  const visible = results.filter(({ cause_visible }) => cause_visible === 'yes');
  const counted = visible.filter(({ allowed }) => allowed.size > 0);
  console.log(
    `${rows.length} clips: ${counted.length} counted, ${rows.length - visible.length} left out since the cause isn't in the picture, ${visible.length - counted.length} since no class is right (speech is never made).`,
  );
  printAccuracy(counted, palette);
  printDecisions(results);
  printReliability(visible);
  printMisses(counted);
}

function printAccuracy(counted, palette) {
  const clipSources = new Map();
  for (const each of counted) clipSources.set(each.source, [...(clipSources.get(each.source) ?? []), each]);
  const hits = (top) => counted.filter((each) => rankOf(each) < top).length;
  const bySource = (top) =>
    [...clipSources.values()].reduce(
      (sum, own) => sum + own.filter((each) => rankOf(each) < top).length / own.length,
      0,
    );
  const classes = palette.classes.map(({ id }) => id);
  const share = (guesses) => counted.filter(({ allowed }) => guesses.some((id) => allowed.has(id))).length;
  const frequent = [...classes].sort((a, b) => share([b]) - share([a]));
  const chance = (top) => counted.reduce((sum, { allowed }) => sum + chanceOf(allowed.size, classes.length, top), 0);
  const n = counted.length;
  for (const top of [1, 3]) {
    const right = hits(top);
    console.log(
      `Top ${top}: ${(right / n).toFixed(2)} (${right} of ${n}; 95 %: ${wilson(right, n)}; a source once: ${(bySource(top) / clipSources.size).toFixed(2)} of ${clipSources.size}) beside ${(share(frequent.slice(0, top)) / n).toFixed(2)} for always the most frequent (${frequent.slice(0, top).join(', ')}) and ${(chance(top) / n).toFixed(3)} by chance`,
    );
  }
}

/** What the product would do: where it is sure, and how often it is right then. */
function printDecisions(results) {
  const sure = results.filter(({ decision }) => decision.sure);
  const right = sure.filter(({ decision, allowed }) => allowed.has(decision.chosen.id)).length;
  const unseen = results.filter(({ allowed }) => allowed.size === 0);
  const quiet = unseen.filter(({ decision }) => !decision.sure).length;
  console.log(
    `Decides for itself on ${sure.length} of ${results.length} clips, and chooses a right class on ${right} of them (95 %: ${wilson(right, sure.length)}); where no class is right it stays neutral on ${quiet} of ${unseen.length}.`,
  );
}

/** Of the three classes it names in each clip: how sure it says, and how often it is right. */
function printReliability(visible) {
  const named = visible.flatMap(({ recognised, allowed }) =>
    recognised.slice(0, 3).map(({ label, confidence }) => ({ confidence, right: allowed.has(label) ? 1 : 0 })),
  );
  let error = 0;
  console.log('Calibration of the three named:');
  for (let bin = 0; bin < BINS; bin++) {
    const own = named.filter(({ confidence }) => Math.min(BINS - 1, Math.floor(confidence * BINS)) === bin);
    if (own.length === 0) continue;
    const mean = (of) => own.reduce((sum, each) => sum + of(each), 0) / own.length;
    const [said, was] = [mean(({ confidence }) => confidence), mean(({ right }) => right)];
    error += (own.length / named.length) * Math.abs(said - was);
    console.log(
      `  ${(bin / BINS).toFixed(1)}–${((bin + 1) / BINS).toFixed(1)}  ${String(own.length).padStart(3)} named  says ${said.toFixed(2)}  right ${was.toFixed(2)}`,
    );
  }
  console.log(`  expected calibration error ${error.toFixed(3)}`);
}

function printMisses(counted) {
  const misses = counted.filter((each) => rankOf(each) >= 3);
  console.log(`Misses (${misses.length}):`);
  for (const { clip, expected, recognised } of misses) {
    const said = recognised.slice(0, 3).map(({ label, confidence }) => `${label} ${confidence.toFixed(2)}`);
    const short = clip.length > 60 ? `${clip.slice(0, 30)}…${clip.slice(-29)}` : clip;
    console.log(`  ${short}: ${expected}; named ${said.join(', ')}`);
  }
}

/** Ties are not right by their order in the alphabet: what has no evidence is not named. */
function rankOf({ recognised, allowed }) {
  const rank = recognised.findIndex(({ label, confidence }) => confidence > 0 && allowed.has(label));
  return rank < 0 ? Infinity : rank;
}

function chanceOf(right, all, top) {
  let miss = 1;
  for (let i = 0; i < top; i++) miss *= (all - right - i) / (all - i);
  return 1 - miss;
}

function wilson(right, n) {
  if (n === 0) return 'none';
  const z = 1.96;
  const p = right / n;
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return `${Math.max(0, middle - half).toFixed(2)}–${Math.min(1, middle + half).toFixed(2)}`;
}

/** Quotes as in RFC 4180, without line breaks inside. */
function readCsv(text) {
  const [head, ...lines] = text.trim().split('\n').map(cells);
  return lines.map((line) => Object.fromEntries(head.map((name, i) => [name, line[i] ?? ''])));
}

function cells(line) {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  );
}

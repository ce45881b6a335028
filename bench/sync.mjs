// How far off offsets are that the whole product measures, on talks whose offset is known: beside always zero.
//   npm run bench -- sync
// Talks are clips of SOUNDSTAGE_DATA/sync (default: shared/data beside the checkout) that are cut together; lips and
// sound are cut out of their middle, so that no edge of a file gives the answer away. Set SOUNDSTAGE_SYNC_STRANGERS to
// the folder `strangers` that the recipe `sync` leaves beside its model: each speaker is then measured by the net that
// never saw that speaker. Without it the shipped model is measured, which knows the two speakers.
// SOUNDSTAGE_BENCH_TALKS: talks of each speaker and condition; SOUNDSTAGE_BENCH_ONLY: the name of the only condition.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openModel } from '@soundstage/models';
import { SURE_TO_ALTER, SYNC_MODELS, syncMeterOf } from '@soundstage/sync';

const root = resolve(import.meta.dirname, '..');
const data = join(process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data'), 'sync');
const strangers = process.env.SOUNDSTAGE_SYNC_STRANGERS;
const TALKS = Number(process.env.SOUNDSTAGE_BENCH_TALKS ?? 8);
/** What is taken of a clip: its sentence, which lies in the middle; or all of it, a second of it silent. */
const SENTENCE = { fromS: 0.4, lengthS: 2.4 };
const WHOLE = { fromS: 0, lengthS: 2.96 };
/** No splice is heard. */
const SOFT_S = 0.01;
const AROUND_S = 1.5;
const RIGHT_MS = 80;
const ALL = [
  { name: '5 s', seconds: 5 },
  { name: '10 s', seconds: 10 },
  { name: '4 s', seconds: 4 },
  { name: '5 s, long pauses', seconds: 5, pauses: true },
  { name: '2.5 s', seconds: 2.5 },
  { name: '5 s, voices at 10 dB', seconds: 5, snrDb: 10 },
  { name: '5 s, voices at 0 dB', seconds: 5, snrDb: 0 },
  { name: '5 s, head of 64 pixels', seconds: 5, width: 192 },
  { name: '5 s, in sync', seconds: 5, inSync: true },
  { name: '5 s, moved by 200 ms more', seconds: 5, movedMs: 200 },
  { name: "5 s, another's sound", seconds: 5, swapped: true },
  { name: "10 s, another's sound", seconds: 10, swapped: true },
  // Every sentence begins when one of the speaker's own does, as in a good dubbing.
  { name: "5 s, another's, in step", seconds: 5, swapped: true, inStep: true },
];
const only = process.env.SOUNDSTAGE_BENCH_ONLY;
const CONDITIONS = only ? ALL.filter(({ name }) => name === only) : ALL;

if (!existsSync(data)) {
  console.log(`skipped: 0 clips in ${data}; set SOUNDSTAGE_DATA to the folder that holds sync/`);
  process.exit(0);
}
const folder = mkdtempSync(join(process.env.SOUNDSTAGE_BENCH_FOLDER ?? tmpdir(), 'bench-sync-'));
const threads = Math.min(2, availableParallelism());
const answers = [];
try {
  for (const speaker of readdirSync(data).sort()) {
    const meter = await openMeter(strangers && join(strangers, speaker));
    const clips = readdirSync(join(data, speaker))
      .filter((name) => name.endsWith('.mkv'))
      .sort()
      .map((name) => join(data, speaker, name));
    for (let talk = 0; talk < TALKS; talk++)
      for (const condition of CONDITIONS) answers.push(await ask(meter, speaker, clips, talk, condition));
    await meter.close();
  }
  print();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function openMeter(syncFolder) {
  const models = {};
  for (const name of SYNC_MODELS) {
    const from = name === 'sync' && syncFolder ? syncFolder : join(root, 'models');
    models[name] = await openModel({ folder: from, name, threads, executionProvider: 'cpu' });
  }
  const close = () => Promise.all(Object.values(models).map((model) => model.close()));
  return { ...syncMeterOf(models), close };
}

async function ask(meter, speaker, clips, talk, condition) {
  const movedMs = condition.inSync ? 0 : Math.round(offsetOf(talk, clips.length) - (condition.movedMs ?? 0));
  const path = join(folder, 'talk.mkv');
  makeTalk(path, clips, talk, movedMs, condition);
  const told = await meter.measure(path);
  return { speaker, talk, condition: condition.name, movedMs, told };
}

/** ±600 ms, the same for a talk in all conditions, spread evenly. */
function offsetOf(talk, seed) {
  return (((talk * 0.618034 + seed * 0.37) % 1) * 2 - 1) * 600;
}

/** Clips one after the other; sound `movedMs` late; other voices, a small head or another's sound as asked. */
function makeTalk(path, clips, talk, movedMs, { seconds, snrDb, width, swapped, inStep, pauses }) {
  const { fromS, lengthS } = pauses ? WHOLE : SENTENCE;
  // Where in a sentence it begins: elsewhere for each talk.
  const beginsS = AROUND_S + ((talk * 0.754878) % 1) * lengthS;
  const count = Math.ceil((seconds + 2 * AROUND_S) / lengthS) + 3;
  const pick = (from) => Array.from({ length: count }, (_, n) => clips[(from + n * 5) % clips.length]);
  const own = pick(talk * 13);
  const heard = swapped ? pick(talk * 13 + 7) : own;
  const inputs = [...own, ...heard, ...(snrDb === undefined ? [] : pick(talk * 13 + 3))];
  const steps = [];
  const chain = (kind, first, name) => {
    const clip =
      kind === 'v'
        ? `fps=25,trim=start=${fromS}:duration=${lengthS},setpts=PTS-STARTPTS,setsar=1`
        : `aresample=16000,aformat=channel_layouts=mono,apad,atrim=start=${fromS}:duration=${lengthS},` +
          `asetpts=PTS-STARTPTS,afade=d=${SOFT_S},afade=t=out:st=${lengthS - SOFT_S}:d=${SOFT_S}`;
    const parts = Array.from({ length: count }, (_, n) => `${kind}${first + n}`);
    parts.forEach((part, n) => steps.push(`[${first + n}:${kind}]${clip}[${part}]`));
    const [video, audio] = kind === 'v' ? [1, 0] : [0, 1];
    steps.push(`${parts.map((part) => `[${part}]`).join('')}concat=n=${count}:v=${video}:a=${audio}[${name}]`);
    return name;
  };
  const picture = chain('v', 0, 'picture');
  let sound = chain('a', count, 'sound');
  if (snrDb !== undefined) {
    const voices = chain('a', 2 * count, 'voices');
    // All clips of a speaker are about equally loud.
    steps.push(`[${voices}]volume=${-snrDb}dB[other];[${sound}][other]amix=inputs=2:normalize=0[mixed]`);
    sound = 'mixed';
  }
  const small = width === undefined ? '' : `,scale=${width}:-2:flags=area`;
  steps.push(`[${picture}]trim=start=${beginsS}:duration=${seconds},setpts=PTS-STARTPTS${small}[outv]`);
  const startS = beginsS - movedMs / 1000 + (swapped && !inStep ? lengthS / 2 : 0);
  steps.push(`[${sound}]atrim=start=${startS}:duration=${seconds},asetpts=PTS-STARTPTS[outa]`);
  execFileSync('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-y', ...inputs.flatMap((input) => ['-i', input])],
    ...['-filter_complex', steps.join(';'), '-map', '[outv]', '-map', '[outa]'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p', '-c:a', 'pcm_s16le', path],
  ]);
}

function print() {
  const who = strangers ? 'by nets that never saw the speaker' : 'by the shipped model, which knows both speakers';
  console.log(`${answers.length} talks of ${new Set(answers.map(({ speaker }) => speaker)).size} speakers, ${who}`);
  console.log(
    `${'condition'.padEnd(28)} talks speech answered  median  ≤ 40   ≤ 80 ms of the answered   always zero: ≤ 80 ms`,
  );
  for (const { name, swapped } of CONDITIONS) {
    const own = answers.filter(({ condition }) => condition === name);
    const told = own.filter(({ told: { offsetMs } }) => offsetMs !== undefined);
    const errors = told.map((answer) => Math.abs(answer.told.offsetMs - answer.movedMs)).sort((a, b) => a - b);
    const within = (ms) => (errors.length ? errors.filter((error) => error <= ms).length / errors.length : NaN);
    const zero = own.filter(({ movedMs }) => Math.abs(movedMs) <= RIGHT_MS).length / own.length;
    const speechS = own.reduce((sum, { told: { evidence } }) => sum + heardS(evidence), 0) / own.length;
    const figures = swapped
      ? ''
      : `${(errors[errors.length >> 1] ?? NaN).toFixed(0).padStart(5)} ms ${within(40).toFixed(2).padStart(6)} ${within(80).toFixed(2).padStart(6)} ${zero.toFixed(2).padStart(40)}`;
    console.log(
      `${name.padEnd(28)} ${String(own.length).padStart(5)} ${speechS.toFixed(1).padStart(4)} s ${(told.length / own.length).toFixed(2).padStart(8)} ${figures}`,
    );
  }
  const confidences = (name) =>
    answers.filter(({ condition }) => condition === name).map(({ told }) => told.confidence);
  for (const [own, other] of [
    ['5 s', "5 s, another's sound"],
    ['10 s', "10 s, another's sound"],
    ['5 s', "5 s, another's, in step"],
  ]) {
    const among = auroc(confidences(own), confidences(other)).toFixed(3);
    const sure = answers.filter(
      ({ condition, told }) => condition === other && told.confidence >= SURE_TO_ALTER,
    ).length;
    console.log(`${own} against ${other}: AUROC of the confidence ${among}; ${sure} sure enough to be altered`);
  }
  const still = answers.filter(({ condition }) => condition === '5 s, in sync');
  const altered = still.filter(
    ({ told }) => !['in_sync', 'cannot_tell'].includes(told.verdict) && told.confidence >= SURE_TO_ALTER,
  );
  console.log(`in sync, and would be altered: ${altered.length} of ${still.length}`);
  const pairs = answers
    .filter(({ condition, told }) => condition === '5 s' && told.offsetMs !== undefined)
    .flatMap((first) => {
      const moved = answers.find(
        (other) =>
          other.condition === '5 s, moved by 200 ms more' &&
          other.speaker === first.speaker &&
          other.talk === first.talk,
      );
      if (moved?.told.offsetMs === undefined) return [];
      return [Math.abs(first.told.offsetMs - moved.told.offsetMs - (first.movedMs - moved.movedMs))];
    })
    .sort((a, b) => a - b);
  console.log(
    `the same talk moved by 200 ms more: off by ${(pairs[pairs.length >> 1] ?? NaN).toFixed(0)} ms in the median, within 80 ms ${(pairs.filter((error) => error <= 80).length / pairs.length).toFixed(2)} of ${pairs.length}`,
  );
  const worst = answers
    .filter(({ condition, told }) => told.offsetMs !== undefined && !condition.includes('another'))
    .sort((a, b) => Math.abs(b.told.offsetMs - b.movedMs) - Math.abs(a.told.offsetMs - a.movedMs))
    .slice(0, 3)
    .map(
      ({ speaker, condition, movedMs, told }) =>
        `${speaker}, ${condition}: ${movedMs} → ${told.offsetMs.toFixed(0)} ms (${told.confidence.toFixed(2)})`,
    );
  console.log(`worst: ${worst.join('; ')}`);
}

/** Seconds in which somebody speaks. */
function heardS({ speech }) {
  return speech.reduce((sum, { startS, endS }) => sum + endS - startS, 0);
}

function auroc(right, wrong) {
  let above = 0;
  for (const a of right) for (const b of wrong) above += a > b ? 1 : a === b ? 0.5 : 0;
  return above / (right.length * wrong.length);
}

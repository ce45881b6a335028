// What the foley sound engine sounds like, in figures: each beside what it is measured against.
//   npm run bench -- foley-sound
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = resolve(import.meta.dirname, '..');
const from = (path) => import(pathToFileURL(join(root, path)).href);
const foley = (name) => from(`services/inference/dist/jobs/foley/${name}.js`);
const testing = (name) => from(`services/inference/dist/testing/${name}.js`);
const RATE_HZ = 48_000;
const LONG_S = 600;
const HITS_PER_S = 3;

const { openPalette } = await foley('palette/palette');
const { strike } = await foley('synth/modal');
const { noiseOf } = await foley('synth/noise');
const { loopOf } = await foley('render/beds');
const { render } = await foley('render/render');
const { seededRandom } = await foley('render/random');
const palette = await openPalette(join(root, 'services/inference/palette'), readLabels());

if (process.argv[2] === '--render') {
  renderLong();
} else {
  await timing();
  await likeness();
  await joins();
  await level();
  speed();
}

function readLabels() {
  const labels = (name) => JSON.parse(readFileSync(join(root, 'models', name, 'labels.json'), 'utf8'));
  return { imagenet: labels('classifier/2'), coco: labels('detector/1') };
}

/** Ways to make one hit of a class: its recordings, or blows by synthesis. */
async function soundsOf(soundClass) {
  const recordings = await palette.load(soundClass);
  if (recordings.length > 0) return recordings.map((recording) => () => recording);
  if (soundClass.modal === undefined) return [];
  return [0, 1, 2, 3].map((blow) => () => made(soundClass, blow));
}

function made(soundClass, blow) {
  return strike(soundClass.modal, { strength: [0.4, 0.6, 0.8, 1][blow % 4], random: seededRandom(blow) });
}

function whole(plan) {
  const parts = [...render(plan)];
  const pcm = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (pcm.set(part, at), at + part.length), 0);
  return pcm;
}

/** Every struck class with every one of its sounds: where its onsets are heard, beside where its cues are. */
async function timing() {
  const { detectOnsets } = await testing('detect-onsets');
  const random = seededRandom(1);
  const errors = [];
  const worst = [];
  let missed = 0;
  let classes = 0;
  for (const soundClass of palette.classes.filter(({ kind }) => kind === 'struck')) {
    const sounds = await soundsOf(soundClass);
    if (sounds.length === 0) continue;
    classes++;
    const own = [];
    for (const sound of sounds) {
      // Alone in its own second or two, so that what one leaves ringing doesn't hide the next.
      const timeS = random.between(0.3, 0.6);
      const hit = { timeS, sound, gain: 0.5, rate: random.between(0.96, 1.04), side: random.between(-1, 1) };
      const found = detectOnsets(whole({ durationS: 1.6, hits: [hit], beds: [] }), RATE_HZ);
      const offMs = found.map((onset) => (onset - timeS) * 1000).sort((a, b) => Math.abs(a) - Math.abs(b))[0];
      if (offMs === undefined || Math.abs(offMs) > 60) missed++;
      else own.push(Math.abs(offMs));
    }
    errors.push(...own);
    worst.push([soundClass.id, Math.max(...own)]);
  }
  const row = errors.toSorted((a, b) => a - b);
  const at = (share) => row[Math.floor(share * (row.length - 1))].toFixed(1);
  console.log(
    `Timing of what is heard, ${row.length} sounds of ${classes} struck classes, off their cues (wanted: at most 10 ms):`,
  );
  console.log(`  median ${at(0.5)} ms, 95 % ${at(0.95)} ms, most ${at(1)} ms; ${missed} without an onset within 60 ms`);
  const far = worst.filter(([, ms]) => ms > 10).sort((a, b) => b[1] - a[1]);
  if (far.length > 0) console.log(`  over 10 ms: ${far.map(([id, ms]) => `${id} ${ms.toFixed(0)}`).join(', ')}`);
}

/** Blows of one recording at one level and speed, and of synthesis: how many pairs are the same when levelled. */
async function likeness() {
  const knock = (await palette.load(palette.classes.find(({ id }) => id === 'wood')))[0];
  const synthesised = palette.classes.find(({ modal }) => modal !== undefined);
  const kinds = [
    ['one recording, one level, one speed', () => () => knock],
    [
      `synthesised (${synthesised.id})`,
      (n) => () => strike(synthesised.modal, { strength: 0.5, random: seededRandom(n) }),
    ],
  ];
  console.log('Identical hits, 60 blows, after their levels are made equal:');
  for (const [name, sound] of kinds) {
    const times = Array.from({ length: 60 }, (_, n) => 0.1 + n * 0.7);
    const hits = times.map((timeS, n) => ({ timeS, sound: sound(n), gain: 0.5, rate: 1, side: 0 }));
    const pcm = whole({ durationS: 43, hits, beds: [] });
    const parts = times.map((timeS) => levelled(pcm, timeS));
    let same = 0;
    let closestDb = Infinity;
    parts.forEach((a, i) => {
      for (const b of parts.slice(i + 1)) {
        let [difference, power] = [0, 0];
        for (let k = 0; k < a.length; k++) {
          difference += (a[k] - b[k]) ** 2;
          power += a[k] ** 2;
        }
        if (difference === 0) same++;
        closestDb = Math.min(closestDb, 10 * Math.log10((power + 1e-30) / (difference + 1e-30)) * -1);
      }
    });
    console.log(
      `  ${name}: ${same} of ${(60 * 59) / 2} pairs (wanted: 0); closest pair differs by ${closestDb.toFixed(0)} dB`,
    );
  }
}

function levelled(pcm, timeS) {
  const from = Math.round(timeS * RATE_HZ) * 2;
  const part = pcm.slice(from, from + 2 * 9600);
  let peak = 0;
  for (const x of part) peak = Math.max(peak, Math.abs(x));
  return part.map((x) => x / peak);
}

/** Ten minutes of one recording of a few seconds: can its joins be told, and does it come back? */
async function joins() {
  const { joinStatistics } = await testing('join-statistics');
  const { detectClicks } = await testing('detect-clicks');
  console.log(
    `Beds of ${LONG_S / 60} minutes from recordings of 4 to 5 s. Stands out: chance that a join has more than another`,
  );
  console.log(
    'place, 0.50 where they are alike. Comes back: likeness to itself one recording later, beside plain looping:',
  );
  for (const id of ['rain', 'stream', 'waves', 'engine', 'clock']) {
    const soundClass = palette.classes.find((each) => each.id === id);
    const recording = soundClass && (await palette.load(soundClass))[0];
    if (recording === undefined) continue;
    const joinsS = [];
    const pcm = loopOf(recording.pcm, seededRandom(1), (frame) => joinsS.push(frame / RATE_HZ))(LONG_S * RATE_HZ);
    const { joins: count, energyStep, flux } = joinStatistics(pcm, joinsS);
    const minute = pcm.subarray(0, 60 * 2 * RATE_HZ);
    const clicks = detectClicks(minute).length / 60;
    const own = (detectClicks(recording.pcm).length * 2 * RATE_HZ) / recording.pcm.length;
    const back = comesBack(minute, recording.pcm.length).toFixed(2);
    const told = ({ standsOut, standardError }) => `${standsOut.toFixed(2)} ± ${(2 * standardError).toFixed(2)}`;
    console.log(
      `  ${id.padEnd(8)} ${String(count).padStart(3)} joins: energy ${told(energyStep)}, flux ${told(flux)}; ` +
        `comes back ${back} (plain loop 1.00); clicks/s ${clicks.toFixed(1)} (in the recording ${own.toFixed(1)})`,
    );
  }
  const noisy = palette.classes.filter(({ kind, noise }) => kind === 'continuous' && noise !== undefined);
  const costs = noisy.map(({ id, noise }) => {
    const source = noiseOf(noise, seededRandom(1));
    source(RATE_HZ);
    const start = process.cpuUsage();
    source(10 * RATE_HZ);
    return { id, cost: cpuS(start) / 10 };
  });
  const dearest = costs.toSorted((a, b) => b.cost - a.cost)[0];
  console.log(
    `  synthesised textures: ${costs.length}, the dearest (${dearest.id}) ${dearest.cost.toFixed(3)} × real time (wanted: at most 0.03)`,
  );
}

/** Processor time rather than wall time: what others do on the machine doesn't count. */
function cpuS(start) {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

function comesBack(pcm, samplesLater) {
  let [ab, aa, bb] = [0, 1e-12, 1e-12];
  for (let i = 0; i + samplesLater < pcm.length; i += 2) {
    ab += pcm[i] * pcm[i + samplesLater];
    aa += pcm[i] ** 2;
    bb += pcm[i + samplesLater] ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

/** A minute of blows over a bed, as it is mixed: loudness and true peak by ffmpeg's ebur128. */
async function level() {
  const { levelFor, mixed } = await foley('render/mix');
  const { measureLoudness } = await from('packages/media/dist/index.js');
  const plan = await longPlan(60);
  const set = await levelFor(() => render(plan));
  const heard = await measureLoudness({
    blocks: mixed({ blocks: render(plan), level: set }),
    sampleRateHz: RATE_HZ,
    channels: 2,
  });
  console.log(
    `Level of a minute with ${plan.hits.length} hits of all struck classes over rain, before encoding: ` +
      `${heard.integratedLufs.toFixed(1)} LUFS (target −23), true peak ${heard.truePeakDbtp.toFixed(1)} dBTP (at most −1)` +
      set.warnings.map((warning) => `; ${warning}`).join(''),
  );
}

/** Hits of all struck classes in turn, over rain. */
async function longPlan(durationS) {
  const makers = [];
  for (const soundClass of palette.classes.filter(({ kind }) => kind === 'struck')) {
    const recordings = await palette.load(soundClass);
    if (recordings.length > 0) makers.push((n) => () => recordings[n % recordings.length]);
    else if (soundClass.modal !== undefined) makers.push((n) => () => made(soundClass, n));
  }
  const random = seededRandom(2);
  const hits = Array.from({ length: durationS * HITS_PER_S }, (_, n) => ({
    timeS: 0.1 + n / HITS_PER_S,
    sound: makers[n % makers.length](n),
    gain: random.between(0.2, 1),
    rate: random.between(0.96, 1.04),
    side: random.between(-1, 1),
  }));
  const [rain] = await palette.load(palette.classes.find(({ id }) => id === 'rain'));
  const levels = new Float32Array(durationS * 50 + 1).fill(0.15);
  return { durationS, hits, beds: [{ levels, levelRateHz: 50, source: () => loopOf(rain.pcm, random.branch('bed')) }] };
}

/** Ten minutes in a process of its own, so that its memory is seen; beside ffmpeg with as many blows and one loop. */
function speed() {
  const { stdout, status } = spawnSync(process.execPath, [import.meta.filename, '--render'], { encoding: 'utf8' });
  if (status !== 0) throw new Error('The long rendering failed.');
  const { renderS, limitS, rssMiB, emptyRssMiB } = JSON.parse(stdout);
  const bare = bareFfmpeg();
  console.log(`${LONG_S / 60} minutes, ${HITS_PER_S} hits/s of all struck classes and one bed, processor time:`);
  console.log(
    `  render   ${renderS.toFixed(2).padStart(6)} s  ${(renderS / LONG_S).toFixed(4)} × real time (wanted: at most 0.02)`,
  );
  console.log(`  limiter  ${limitS.toFixed(2).padStart(6)} s  ${(limitS / LONG_S).toFixed(4)} × real time`);
  console.log(
    `  ffmpeg   ${bare.toFixed(2).padStart(6)} s  ${(bare / LONG_S).toFixed(4)} × real time: one loop, one recording three times a second, its limiter`,
  );
  console.log(
    `  resident ${rssMiB.toFixed(0)} MiB at most, ${emptyRssMiB.toFixed(0)} MiB before (wanted: at most 1024)`,
  );
}

async function renderLong() {
  const { limited } = await foley('render/limiter');
  const emptyRssMiB = process.memoryUsage.rss() / 2 ** 20;
  const plan = await longPlan(LONG_S);
  let rssMiB = 0;
  const watched = function* () {
    for (const block of render(plan)) {
      rssMiB = Math.max(rssMiB, process.memoryUsage.rss() / 2 ** 20);
      yield block;
    }
  };
  const start = process.cpuUsage();
  const blocks = [];
  for (const block of watched()) if (blocks.length < 600) blocks.push(block);
  const renderS = cpuS(start);
  const limitStart = process.cpuUsage();
  for await (const block of limited(blocks, 0.7, 0.8)) void block;
  const limitS = cpuS(limitStart) * (LONG_S / 60);
  console.log(JSON.stringify({ renderS, limitS, rssMiB, emptyRssMiB }));
}

function bareFfmpeg() {
  const sounds = JSON.parse(readFileSync(join(root, 'services/inference/palette/palette.json'), 'utf8')).sounds;
  const file = (id) => join(root, 'services/inference/palette', sounds.find((sound) => sound.class === id).file);
  const [rain, knock] = [file('rain'), file('wood')];
  if (!existsSync(rain) || !existsSync(knock)) throw new Error('The palette is incomplete.');
  const stereo = 'aformat=sample_fmts=flt:channel_layouts=stereo';
  const graph =
    `[1:a]${stereo},apad=whole_len=${RATE_HZ / HITS_PER_S},atrim=end_sample=${RATE_HZ / HITS_PER_S},aloop=loop=-1:size=${RATE_HZ / HITS_PER_S}[h];` +
    `[0:a]${stereo}[b];[b][h]amix=inputs=2:duration=shortest:normalize=0,alimiter=limit=0.8:level=0[o]`;
  const { stderr, status } = spawnSync(
    'ffmpeg',
    [
      ...['-benchmark', '-nostdin', '-stream_loop', '-1', '-t', String(LONG_S), '-i', rain, '-i', knock],
      ...['-filter_complex', graph, '-map', '[o]', '-t', String(LONG_S), '-f', 'f32le', '-y', '/dev/null'],
    ],
    { encoding: 'utf8' },
  );
  const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  if (status !== 0 || user === undefined) throw new Error(`ffmpeg failed: ${stderr.trim().split('\n').at(-1)}`);
  return Number(user) + Number(system);
}

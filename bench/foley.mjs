// How fast a foley job is beside its floor, and how well its onsets fit real sound.
//   npm run bench -- foley
// Real clips are taken from SOUNDSTAGE_DATA (default: shared/data beside the checkout); without them the speed is
// measured on a generated clip and the onset table is left out.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

process.env.ORT_DISABLE_TELEMETRY = '1'; // for the bare runs below; the product does the same
const root = resolve(import.meta.dirname, '..');
const data = process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data');
const ROUNDS = 5;
const THREADS = 1;
const STILLS = 10; // of a clip of 10 s, as the job takes them

const folder = mkdtempSync(join(tmpdir(), 'bench-foley-'));
try {
  const { clip, what } = clipOf720p();
  await speed(clip, what);
  onsets();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function clipOf720p() {
  const clip = join(folder, 'clip.mp4');
  const real = join(data, 'foley', 'specvqgan', 'video_02754.mp4');
  const encode = [
    '-an',
    '-t',
    '10',
    '-r',
    '30',
    '-c:v',
    'libx264',
    '-preset',
    'fast',
    '-crf',
    '20',
    '-pix_fmt',
    'yuv420p',
    clip,
  ];
  const source = existsSync(real) ? ['-i', real] : ['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=30:d=10'];
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...source, '-vf', 'scale=1280:720', ...encode]);
  return { clip, what: existsSync(real) ? 'a real clip, scaled to 1280×720' : 'a test picture, 1280×720' };
}

async function speed(clip, what) {
  const { openFoley } = await import(pathToFileURL(join(root, 'services/inference/dist/index.js')).href);
  const startMs = performance.now();
  const foley = await openFoley();
  const openS = (performance.now() - startMs) / 1000;
  const floor = await openFloor();
  const ours = [];
  const drafts = [];
  const bare = [];
  try {
    const run = async (round, quality) => {
      const beginMs = performance.now();
      const outcome = await foley.run({
        inputPath: clip,
        outputPaths: [join(folder, `out-${quality}-${round}.mp4`)],
        quality,
        seed: 1,
      });
      return { wallS: (performance.now() - beginMs) / 1000, outcome };
    };
    await run('warm-up', 'standard');
    await floor.run(clip, 'warm-up');
    for (let round = 0; round < ROUNDS; round++) {
      // One after the other, so that all see the same machine.
      ours.push(await run(round, 'standard'));
      bare.push(await floor.run(clip, round));
      drafts.push(await run(round, 'draft'));
    }
  } finally {
    await foley.close();
  }
  report(what, openS, ours, bare, drafts);
}

function report(what, openS, ours, bare, drafts) {
  const { durationS } = ours[0].outcome;
  const wallS = median(ours.map((each) => each.wallS));
  const floorS = median(bare.map((each) => each.wallS));
  console.log(`One foley job on ${what}, ${durationS} s, ${THREADS} thread a model, median of ${ROUNDS}:`);
  const steps = Object.keys(ours[0].outcome.timings);
  for (const step of steps) row(step.replace(/_s$/, ''), median(ours.map((each) => each.outcome.timings[step])));
  row('all steps', wallS, `${(wallS / durationS).toFixed(2)} × real time (wanted: at most 1.0)`);
  console.log('The floor: the same work with nothing around it, one after the other:');
  for (const part of ['decode', 'models', 'mux']) row(part, median(bare.map((each) => each[part])));
  row('all parts', floorS, `ours is ${(wallS / floorS).toFixed(2)} × the floor (wanted: at most 1.15)`);
  const draftS = median(drafts.map((each) => each.wallS));
  row(
    'draft',
    draftS,
    `${(draftS / durationS).toFixed(2)} × real time (wanted: at most 0.3), ${(draftS / wallS).toFixed(2)} × standard`,
  );
  row('opening', openS, 'models and palette, once in a process; not part of the above');
}

function row(name, seconds, note = '') {
  console.log(`  ${name.padEnd(10)} ${seconds.toFixed(3).padStart(7)} s  ${note}`);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** ffmpeg and onnxruntime alone: decoding to the sizes that the models take, the models' runs, encoding and muxing. */
async function openFloor() {
  const ort = await import('onnxruntime-node');
  const options = {
    executionProviders: ['cpu'],
    intraOpNumThreads: THREADS,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  };
  const sessions = {};
  for (const name of ['motion', 'onset', 'classifier', 'detector']) {
    const version = readdirSync(join(root, 'models', name)).sort((a, b) => Number(b) - Number(a))[0];
    sessions[name] = await ort.InferenceSession.create(join(root, 'models', name, version, 'model.onnx'), options);
  }
  const sound = join(folder, 'floor.wav');
  ffmpeg('-f', 'lavfi', '-i', 'anoisesrc=c=pink:r=48000:d=10:a=0.1', '-ac', '2', sound);
  const tensor = (...dims) => new ort.Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b)).fill(90), dims);
  const rising = (count, stepS) =>
    new ort.Tensor(
      'float32',
      Float32Array.from({ length: count }, (_, i) => i * stepS),
      [count],
    );
  const timed = async (work) => {
    const beginMs = performance.now();
    await work();
    return (performance.now() - beginMs) / 1000;
  };
  const runModels = async () => {
    for (let frame = 0; frame < 300; frame += 24) {
      await sessions.motion.run({ frames: tensor(25, 96, 160), times_s: rising(25, 1 / 30) });
    }
    for (let still = 0; still < STILLS; still++) {
      await sessions.classifier.run({ frames: tensor(1, 224, 224, 3) });
      await sessions.detector.run({ frames: tensor(1, 416, 416, 3) });
    }
    await sessions.onset.run({ features: tensor(299, 390), times_s: rising(299, 1 / 30), grid_s: rising(500, 0.02) });
  };
  return {
    async run(clip, round) {
      const views =
        '[0:v]split=2[a][b];[a]scale=160:96:flags=area,format=gray[m];[b]fps=0.8,scale=416:416:flags=area,format=rgb24[s]';
      const decode = await timed(() =>
        ffmpeg(
          '-threads',
          '2',
          '-i',
          clip,
          '-filter_complex',
          views,
          '-map',
          '[m]',
          '-f',
          'rawvideo',
          '/dev/null',
          '-map',
          '[s]',
          '-f',
          'rawvideo',
          '/dev/null',
        ),
      );
      const models = await timed(runModels);
      const out = join(folder, `floor-${round}.mp4`);
      const mux = await timed(() =>
        ffmpeg('-i', clip, '-i', sound, '-c:v', 'copy', '-c:a', 'aac', '-b:a', '256k', '-shortest', out),
      );
      return { decode, models, mux, wallS: decode + models + mux };
    },
  };
}

function ffmpeg(...args) {
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);
}

function onsets() {
  const python = join(root, '.cache', 'venv', 'bin', 'python');
  if (!existsSync(join(data, 'foley')) || !existsSync(python)) {
    console.log('Onsets: not measured, since there are no real clips or the trainer is not set up.');
    return;
  }
  const args = ['-m', 'soundstage_trainer', 'evaluate-onsets', '--data', join(data, 'foley'), '--json'];
  const { status, stdout, stderr } = spawnSync(python, args, {
    cwd: join(root, 'services', 'trainer'),
    env: { ...process.env, SOUNDSTAGE_MODELS: join(root, 'models') },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) {
    console.error(`Onsets: evaluate-onsets ended with ${status}: ${stderr.trim().split('\n').at(-1)}`);
    process.exitCode = 1;
    return;
  }
  printOnsets(stdout);
}

/** One line a method, so that the model stands beside a metronome and plain frame difference. */
function printOnsets(text) {
  const { clips, onsets: count, sources, folds, rows } = JSON.parse(text.trim().split('\n').at(-1));
  console.log(
    `Onsets on ${clips} real clips (${count} onsets, ${sources} sources), ${folds} folds, none trained on its own source:`,
  );
  const columns = Object.keys(rows[0]);
  const shown = (value) =>
    typeof value === 'number'
      ? value.toFixed(3)
      : Array.isArray(value)
        ? value.map((x) => x.toFixed(2)).join('–')
        : String(value);
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((each) => shown(each[column]).length)));
  const line = (cells) =>
    `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}`;
  console.log(line(columns));
  for (const each of rows) console.log(line(columns.map((column) => shown(each[column]))));
}

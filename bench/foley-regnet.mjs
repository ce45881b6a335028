// How fast the engine that draws the sound is, beside the palette engine, on the same clip in one run.
//   npm run bench -- foley-regnet
// Needs a model `regnet`: promoted in SOUNDSTAGE_HOME (soundstage pipeline run pipelines/foley.yaml makes one), or in
// SOUNDSTAGE_MODELS_DIR. The clip is taken from SOUNDSTAGE_DATA (default: shared/data beside the checkout).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = resolve(import.meta.dirname, '..');
const data = process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data');
const ROUNDS = 3;

const { openFoley } = await load('services/inference/dist/index.js');
const folder = mkdtempSync(join(tmpdir(), 'bench-regnet-'));
const foley = await openFoley({ engines: ['palette', 'regnet'], promoted: await promotedModels() });
try {
  if (foley.models.some(({ name }) => name === 'regnet')) await measure();
  else console.log('Not measured: there is no model regnet; pipelines/foley.yaml makes one.');
} finally {
  await foley.close();
  rmSync(folder, { recursive: true, force: true });
}

async function measure() {
  const { clip, what } = clipOf720p();
  const took = { regnet: [], 'regnet, draft': [], palette: [] };
  let models;
  let steps;
  const run = async (engine, quality) => {
    const beginMs = performance.now();
    const outcome = await foley.run({
      engine,
      inputPath: clip,
      outputPaths: [join(folder, 'out.mp4')],
      quality,
      seed: 1,
    });
    if (engine === 'regnet' && quality === 'standard') ({ models, timings: steps } = outcome);
    return (performance.now() - beginMs) / 1000 / outcome.durationS;
  };
  await run('regnet', 'standard'); // warm-up
  await run('palette', 'standard');
  for (let round = 0; round < ROUNDS; round++) {
    // One after the other, so that all see the same machine.
    took.regnet.push(await run('regnet', 'standard'));
    took.palette.push(await run('palette', 'standard'));
    took['regnet, draft'].push(await run('regnet', 'draft'));
  }
  console.log(`One foley job on ${what}, 10 s, median of ${ROUNDS}:`);
  const ours = median(took.regnet);
  for (const [name, values] of Object.entries(took))
    console.log(`  ${name.padEnd(14)} ${median(values).toFixed(2)} × real time`);
  console.log(`  regnet takes ${(ours / median(took.palette)).toFixed(1)} × the time of the palette`);
  const parts = Object.entries(steps).filter(([, seconds]) => seconds > 0.01);
  console.log(`  its steps: ${parts.map(([step, s]) => `${step.replace(/_s$/, '')} ${s.toFixed(1)} s`).join(', ')}`);
  console.log(`  by ${models.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
}

function clipOf720p() {
  const clip = join(folder, 'clip.mp4');
  const real = join(data, 'foley', 'specvqgan', 'video_02754.mp4');
  const [source, what] = existsSync(real)
    ? [['-i', real], 'a real clip, scaled to 1280×720']
    : [['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=30:d=10'], 'a test picture, 1280×720'];
  const encode = ['-an', '-t', '10', '-r', '30', '-c:v', 'libx264', '-preset', 'fast', '-crf', '20'];
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-y', ...source, '-vf', 'scale=1280:720'],
    ...[...encode, '-pix_fmt', 'yuv420p', clip],
  ]);
  return { clip, what };
}

/** What was promoted in SOUNDSTAGE_HOME, as the command line takes it. */
async function promotedModels() {
  const data = process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share');
  const home = process.env.SOUNDSTAGE_HOME || join(data, 'soundstage');
  if (!existsSync(join(home, 'store'))) return undefined;
  const { createFolderObjectStore } = await load('packages/adapters-local/dist/index.js');
  return { store: createFolderObjectStore({ folder: join(home, 'store') }), cacheFolder: join(home, 'models') };
}

function load(path) {
  return import(pathToFileURL(join(root, path)).href);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

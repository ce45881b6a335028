// Time that following faces takes on a 720p clip of one speaker: all of it, and its parts each by itself.
//   npm run bench -- faces
// The clip is made from SOUNDSTAGE_DATA/sync (default: shared/data beside the checkout); absent, it is skipped.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createFaceModel, createMeshModel, FACE_SIDE, followFaces, MESH_SIDE } from '@soundstage/faces';
import { decodeFrames, probe } from '@soundstage/media';
import { openModel } from '@soundstage/models';

const LENGTH_S = 20;
const RATE = 25;
const ROUNDS = 3;
const TARGET = 0.35;
const root = resolve(import.meta.dirname, '..');
const data = join(process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data'), 'sync', 'grid_s1');
const source = existsSync(data)
  ? readdirSync(data)
      .filter((name) => name.endsWith('.mkv'))
      .sort()[0]
  : undefined;
if (source === undefined) {
  console.log(`skipped: 0 clips in ${data}; set SOUNDSTAGE_DATA to the folder that holds sync/`);
  process.exit(0);
}

const folder = mkdtempSync(join(process.env.SOUNDSTAGE_BENCH_FOLDER ?? tmpdir(), 'bench-faces-'));
const opened = { folder: join(root, 'models'), threads: Math.min(2, availableParallelism()), executionProvider: 'cpu' };
const faceModel = await openModel({ ...opened, name: 'face' });
const meshModel = await openModel({ ...opened, name: 'lips' });
try {
  const path = makeClip();
  const info = await probe(path);
  const { width, height } = info.video;
  const face = createFaceModel(faceModel);
  const mesh = createMeshModel(meshModel);
  const small = await firstFrame(path, info, { width: FACE_SIDE, height: FACE_SIDE, fit: 'contain' });
  const crop = await firstFrame(path, info, { width: MESH_SIDE, height: MESH_SIDE, fit: 'cover' });
  const frames = LENGTH_S * RATE;
  const parts = {
    'decoding alone, for the detector': () => decodeAll(path, info),
    'a detection': () => each(50, () => face.detect([small], { width, height })),
    'a mesh, by 4': () => each(50, () => mesh.find([crop, crop, crop, crop])),
    'all of it': () => followFaces(path, { info, face, mesh }),
  };
  const counts = [frames, 50, 200, frames];
  const times = Object.keys(parts).map(() => []);
  let tracks = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [n, work] of Object.values(parts).entries()) {
      const startMs = performance.now();
      const made = await work();
      times[n].push((performance.now() - startMs) / counts[n]);
      if (made?.tracks) ({ tracks } = made);
    }
  }
  const ms = times.map((rounds) => Math.min(...rounds));
  const share = (ms.at(-1) * RATE) / 1000;
  const covered = tracks.reduce((sum, track) => sum + track.timesS.length, 0) / frames;
  console.log(`${LENGTH_S} s of one speaker, ${width}×${height}, ${RATE} frames/s; best of ${ROUNDS} rounds, ms each`);
  for (const [n, name] of Object.keys(parts).entries())
    console.log(`${name.padEnd(34)} ${ms[n].toFixed(1).padStart(6)}`);
  console.log(`${tracks.length} track(s) over ${(100 * covered).toFixed(1)} % of the frames`);
  console.log(`${share.toFixed(2)} × real time; target: ${TARGET}: ${share <= TARGET ? 'met' : 'missed'}`);
} finally {
  await faceModel.close();
  await meshModel.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The first clip enlarged to 720 lines and repeated. */
function makeClip() {
  const path = join(folder, 'speaker.mp4');
  const picture = [
    '-vf',
    'scale=960:720,pad=1280:720:160:0,setsar=1',
    '-r',
    String(RATE),
    '-c:v',
    'libx264',
    '-crf',
    '20',
  ];
  const input = ['-nostdin', '-v', 'error', '-stream_loop', '-1', '-i', join(data, source), '-t', String(LENGTH_S)];
  execFileSync('ffmpeg', [...input, ...picture, '-pix_fmt', 'yuv420p', '-c:a', 'aac', path]);
  return path;
}

async function firstFrame(path, info, view) {
  for await (const frame of decodeFrames(path, { views: [{ name: 'first', pixelFormat: 'rgb24', ...view }], info })) {
    return frame.data;
  }
}

async function decodeAll(path, info) {
  const views = [{ name: 'small', width: FACE_SIDE, height: FACE_SIDE, pixelFormat: 'rgb24', fit: 'contain' }];
  let frames = 0;
  for await (const { data } of decodeFrames(path, { views, info })) frames += data.length > 0 ? 1 : 0;
  return frames;
}

async function each(times, work) {
  for (let n = 0; n < times; n++) await work();
}

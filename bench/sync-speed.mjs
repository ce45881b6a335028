// Time and memory that sync takes, all steps: measure, repair, prove, of a 720p film of one speaker; beside bare decoding.
//   npm run bench -- sync-speed
// The film is made from SOUNDSTAGE_DATA/sync (default: shared/data beside the checkout); absent, it is skipped.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openSyncMeter } from '@soundstage/sync';

const LENGTHS_S = (process.env.SOUNDSTAGE_BENCH_SECONDS ?? '30,300').split(',').map(Number);
const TARGET = 0.5;
const root = resolve(import.meta.dirname, '..');
const data = join(process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data'), 'sync', 'grid_s1');
if (!existsSync(data)) {
  console.log(`skipped: 0 clips in ${data}; set SOUNDSTAGE_DATA to the folder that holds sync/`);
  process.exit(0);
}
const folder = mkdtempSync(join(process.env.SOUNDSTAGE_BENCH_FOLDER ?? tmpdir(), 'bench-sync-speed-'));
const meter = await openSyncMeter({
  modelsDir: join(root, 'models'),
  threads: Math.min(2, availableParallelism()),
  executionProvider: 'cpu',
});
try {
  const path = join(folder, 'speaker.mp4');
  makeFilm(path, Math.max(...LENGTHS_S));
  console.log('720p, 25 frames/s, one face who speaks nearly all the time; measuring alone');
  for (const lengthS of LENGTHS_S) {
    const part = join(folder, `${lengthS}.mp4`);
    execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-t', String(lengthS), '-c', 'copy', part]);
    const bareS = timed(() => execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', part, '-f', 'null', '-']));
    const startMs = performance.now();
    let mostMb = 0;
    const watch = setInterval(() => (mostMb = Math.max(mostMb, process.memoryUsage.rss() / 2 ** 20)), 200);
    const told = await meter.measure(part);
    clearInterval(watch);
    const takenS = (performance.now() - startMs) / 1000;
    console.log(
      `${String(lengthS).padStart(5)} s: ${takenS.toFixed(1)} s, ${(takenS / lengthS).toFixed(2)} × real time (wanted ≤ ${TARGET}), ` +
        `${(takenS / bareS).toFixed(1)} × bare decoding; at most ${mostMb.toFixed(0)} MB in this process; ` +
        `${told.verdict}, ${told.offsetMs?.toFixed(0)} ms`,
    );
  }
} finally {
  await meter.close();
  rmSync(folder, { recursive: true, force: true });
}

function timed(work) {
  const startMs = performance.now();
  work();
  return (performance.now() - startMs) / 1000;
}

/** Clips of one speaker one after the other, enlarged to 720 lines. */
function makeFilm(path, lengthS) {
  const clips = readdirSync(data)
    .filter((name) => name.endsWith('.mkv'))
    .sort()
    .slice(0, 20)
    .map((name) => join(data, name));
  const parts = clips.map((_, n) => `[${n}:v][${n}:a]`).join('');
  const once = join(folder, 'once.mkv');
  execFileSync('ffmpeg', [
    ...['-nostdin', '-v', 'error', ...clips.flatMap((clip) => ['-i', clip])],
    ...[
      '-filter_complex',
      `${parts}concat=n=${clips.length}:v=1:a=1[v][a];[v]scale=960:720,pad=1280:720:160:0,setsar=1[w]`,
    ],
    ...['-map', '[w]', '-map', '[a]', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '22', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'aac', once],
  ]);
  const input = ['-nostdin', '-v', 'error', '-stream_loop', '-1', '-i', once];
  execFileSync('ffmpeg', [...input, '-t', String(lengthS), '-c', 'copy', path]);
}

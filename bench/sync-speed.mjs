// Time and memory that sync takes for a 720p film of one speaker whose sound comes 300 ms late: measured alone, and with
// repair and proof; beside bare decoding.
//   npm run bench -- sync-speed
// The film is made from SOUNDSTAGE_DATA/sync (default: shared/data beside the checkout); absent, it is skipped.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openSync } from '@soundstage/inference';

const LENGTHS_S = (process.env.SOUNDSTAGE_BENCH_SECONDS ?? '30,300').split(',').map(Number);
const TARGET = 0.5;
const LATE_S = 0.3;
const LOOP_S = 58;
const root = resolve(import.meta.dirname, '..');
const data = join(process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data'), 'sync', 'grid_s1');
if (!existsSync(data)) {
  console.log(`skipped: 0 clips in ${data}; set SOUNDSTAGE_DATA to the folder that holds sync/`);
  process.exit(0);
}
const folder = mkdtempSync(join(process.env.SOUNDSTAGE_BENCH_FOLDER ?? tmpdir(), 'bench-sync-speed-'));
const sync = await openSync();
try {
  const path = join(folder, 'speaker.mp4');
  makeFilm(path, Math.max(...LENGTHS_S));
  console.log('720p, 25 frames/s, one face who speaks nearly all the time, sound 300 ms late');
  for (const lengthS of LENGTHS_S) {
    const part = join(folder, `${lengthS}.mp4`);
    execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-t', String(lengthS), '-c', 'copy', part]);
    const bareS = await timed(() => execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', part, '-f', 'null', '-']));
    let mostMb = 0;
    const watch = setInterval(() => (mostMb = Math.max(mostMb, process.memoryUsage.rss() / 2 ** 20)), 200);
    let made;
    const wholeS = await timed(async () => {
      made = await sync.run({ inputPath: part, outputPath: join(folder, `${lengthS}.sync.mp4`) });
    });
    const measuredS = wholeS - (made.timings.repair_s ?? 0) - (made.timings.prove_s ?? 0);
    clearInterval(watch);
    const times = (takenS) => `${(takenS / lengthS).toFixed(2)} × real time`;
    const told = ({ verdict, offsetMs }) => `${verdict} ${offsetMs?.toFixed(0)} ms`;
    console.log(
      `${String(lengthS).padStart(5)} s: measured in ${measuredS.toFixed(1)} s, ${times(measuredS)}; all steps ${wholeS.toFixed(1)} s, ` +
        `${times(wholeS)} (wanted ≤ ${TARGET}), ${(wholeS / bareS).toFixed(1)} × bare decoding, of it the proof ` +
        `${made.timings.prove_s.toFixed(1)} s; at most ${mostMb.toFixed(0)} MB in this process; ` +
        `${told(made.before)} → ${made.after ? told(made.after) : 'not repaired'}`,
    );
  }
} finally {
  await sync.close();
  rmSync(folder, { recursive: true, force: true });
}

async function timed(work) {
  const startMs = performance.now();
  await work();
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
    // Sound without an encoder's delay and as long as the picture: else each loop would drift.
    ...['-c:a', 'pcm_s16le', '-t', String(LOOP_S), once],
  ]);
  const long = ['-stream_loop', '-1'];
  const inputs = [...long, '-i', once, ...long, '-itsoffset', String(LATE_S), '-i', once];
  const film = ['-map', '0:v', '-map', '1:a', '-t', String(lengthS), '-c:v', 'copy', '-c:a', 'aac'];
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', ...inputs, ...film, path]);
}

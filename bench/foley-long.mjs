// What ten minutes of film cost: time, and the memory of the whole process tree (command, models, ffmpeg).
//   npm run bench -- foley-long
// The film is made of the real clips in SOUNDSTAGE_DATA (default: shared/data beside the checkout), cut together anew
// every few seconds; without them, of a test picture.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const data = join(process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data'), 'foley');
const MINUTES = 10;
const CLIPS = 12;
const CLIP_S = 5;
const MOST_BYTES = 2 ** 30;

const folder = mkdtempSync(join(tmpdir(), 'bench-long-'));
try {
  const { film, what } = makeFilm();
  console.log(
    `One foley job on ${MINUTES} minutes of 1280×720, 25 frames/s (${what}, ${megabytes(statSync(film).size)} MB):`,
  );
  for (const quality of ['standard', 'draft']) await measure(film, quality);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function makeFilm() {
  const clips = existsSync(data)
    ? readdirSync(data, { recursive: true })
        .filter((name) => name.endsWith('.mp4'))
        .map((name) => join(data, name))
        .filter((path) => durationS(path) >= CLIP_S)
        .sort()
        .filter((_, index, all) => index % Math.max(1, Math.floor(all.length / CLIPS)) === 0)
        .slice(0, CLIPS)
    : [];
  const shape = `scale=1280:720:force_original_aspect_ratio=decrease,pad=1280:720:(ow-iw)/2:(oh-ih)/2,setsar=1,fps=25`;
  const inputs = clips.flatMap((path) => ['-t', String(CLIP_S), '-i', path]);
  const graph =
    clips.length > 0
      ? `${clips.map((_, i) => `[${i}:v]${shape}[v${i}]`).join(';')};${clips.map((_, i) => `[v${i}]`).join('')}concat=n=${clips.length}[v]`
      : `testsrc2=s=1280x720:r=25:d=${CLIPS * CLIP_S}[v]`;
  const minute = join(folder, 'minute.mp4');
  const film = join(folder, 'film.mp4');
  ffmpeg(
    ...inputs,
    '-filter_complex',
    graph,
    '-map',
    '[v]',
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-crf',
    '22',
    minute,
  );
  const times = Math.ceil((MINUTES * 60) / durationS(minute)) - 1;
  ffmpeg('-stream_loop', String(times), '-i', minute, '-c', 'copy', '-t', String(MINUTES * 60), film);
  return { film, what: clips.length > 0 ? `${clips.length} real clips of ${CLIP_S} s, repeated` : 'a test picture' };
}

function durationS(path) {
  const args = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', path];
  return Number(execFileSync('ffprobe', args, { encoding: 'utf8' }));
}

async function measure(film, quality) {
  const out = join(folder, `${quality}.mp4`);
  const beginMs = performance.now();
  const child = spawn(
    process.execPath,
    ['packages/cli/dist/main.js', 'foley', film, '-o', out, '--quality', quality, '--json'],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let told = '';
  child.stdout.on('data', (text) => (told += text));
  let [most, mostOne] = [0, 0];
  const watch = setInterval(() => {
    const all = residentBytes(child.pid);
    most = Math.max(most, all.sum);
    mostOne = Math.max(mostOne, all.own);
  }, 500);
  const code = await new Promise((done) => child.on('close', done));
  clearInterval(watch);
  if (code !== 0) {
    process.exitCode = 1;
    return;
  }
  const tookS = (performance.now() - beginMs) / 1000;
  const { duration_s: length, onsets, warnings } = JSON.parse(told);
  console.log(
    `  ${quality.padEnd(9)} ${tookS.toFixed(0).padStart(4)} s, ${(tookS / length).toFixed(2)} × real time; ` +
      `resident at most ${megabytes(most)} MB in all processes (limit ${megabytes(MOST_BYTES)}), ${megabytes(mostOne)} MB in the main one; ${onsets.length} hits, ${warnings.length} warnings`,
  );
  if (most > MOST_BYTES) process.exitCode = 1;
}

/**
 * Memory of a process, and of it with all its descendants: the proportional set size, in which a page that several share
 * counts once.
 */
function residentBytes(pid) {
  const parents = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      parents.set(Number(entry), Number(fields[1]));
    } catch {
      // It has just ended.
    }
  }
  const ours = [...parents.keys()].filter((each) => {
    for (let up = each; up !== undefined && up > 1; up = parents.get(up)) if (up === pid) return true;
    return false;
  });
  const bytes = new Map(ours.map((each) => [each, proportionalBytes(each)]));
  return { sum: [...bytes.values()].reduce((a, b) => a + b, 0), own: bytes.get(pid) ?? 0 };
}

function proportionalBytes(pid) {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function ffmpeg(...args) {
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);
}

function megabytes(bytes) {
  return Math.round(bytes / 2 ** 20);
}

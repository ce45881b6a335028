// Throughput of the preprocessor's profile `regnet` beside the same ffmpeg command lines, run two at a time from a shell.
//   npm run bench -- preprocess
// Clips are taken from SOUNDSTAGE_DATA/foley (default: shared/data beside the checkout); absent, it is skipped. Both sides
// take turns, some clips at a time, since a shared machine is now faster and now slower.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { CreatePreprocessingRequest, PreprocessingSpec, PreprocessorServiceService } from '@soundstage/contracts';
import { storeFile } from '@soundstage/core';
import { startTestServices } from '@soundstage/core/testing';
import { createPreprocessor } from '@soundstage/preprocessor';

const AT_A_TIME = 2;
const CLIPS_A_TURN = 8;
const ROUNDS = 2;
const TARGET = 0.9;
const root = resolve(import.meta.dirname, '..');
const data = join(process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data'), 'foley');

const paths = existsSync(data)
  ? readdirSync(data, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.mp4'))
      .sort()
      .map((name) => join(data, name))
  : [];
if (paths.length === 0) {
  console.log(`skipped: 0 clips in ${data}; set SOUNDSTAGE_DATA to the folder that holds foley/`);
  process.exit(0);
}

const folder = mkdtempSync(join(process.env.SOUNDSTAGE_BENCH_FOLDER ?? tmpdir(), 'bench-preprocess-'));
const services = await startTestServices(createLocalAdapters, [createPreprocessor], join(folder, 'home'), {
  SOUNDSTAGE_CONCURRENCY: AT_A_TIME,
  SOUNDSTAGE_LEASE_S: 15,
});
try {
  const clips = [];
  for (const path of paths) {
    const key = `media/clip-${clips.length}.mp4`;
    clips.push({ path, object: await storeFile(services.platform.store, path, key, 'video/mp4') });
  }
  // Once through, to learn how many frames each cut has; not counted.
  for (const clip of clips) clip.frames = (await results([clip], 0))[0].frameCount || 215;

  const rounds = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const sum = { service: { wallS: 0, cpuS: 0 }, shell: { wallS: 0, cpuS: 0 } };
    for (let at = 0, turn = round; at < clips.length; at += CLIPS_A_TURN, turn++) {
      const some = clips.slice(at, at + CLIPS_A_TURN);
      const sides = [
        ['service', () => results(some, round)],
        ['shell', () => shell(some)],
      ];
      for (const [name, work] of turn % 2 ? sides : sides.reverse()) {
        const took = await measured(work);
        sum[name].wallS += took.wallS;
        sum[name].cpuS += took.cpuS;
      }
    }
    rounds.push(sum);
  }
  report(clips, rounds);
} finally {
  await services.drain();
  rmSync(folder, { recursive: true, force: true });
}

/** Preprocesses clips by the service. The seed has no part in `regnet`; it makes new work of what was done before. */
async function results(clips, seed) {
  const jobs = await Promise.all(
    clips.map(({ object }) =>
      services.client.call(
        PreprocessorServiceService.createPreprocessing,
        CreatePreprocessingRequest.fromPartial({
          spec: PreprocessingSpec.fromPartial({ clip: object, profile: 'regnet', seed: BigInt(seed) }),
        }),
      ),
    ),
  );
  const found = [];
  // One after the other: to watch all at once would be work, too.
  for (const { job } of jobs) {
    let last = job;
    for await (const state of services.platform.jobs.watch(job.id)) last = state;
    if (last.result?.$case !== 'preprocessing') throw new Error(`a job failed: ${last.error?.message}`);
    found.push(last.result.value);
  }
  return found;
}

/** The same cuts as command lines: what the service runs, without its look for flaws, limits, hashes and store. */
async function shell(clips) {
  const out = join(folder, 'shell');
  mkdirSync(out, { recursive: true });
  const lines = clips.map(({ path, frames }, n) => {
    const picture =
      'setpts=PTS-(0.002/TB),fps=fps=21.5:start_time=0:round=up,tpad=stop_mode=clone:stop=-1,' +
      `trim=end_frame=${frames},scale=340:256:flags=bicubic+accurate_rnd,setsar=1,format=yuv420p`;
    const sound =
      'aresample=22050:async=1:min_hard_comp=0.02:first_pts=0,aformat=sample_fmts=flt:channel_layouts=mono,' +
      'apad=whole_len=220500,atrim=end_sample=220500';
    return [
      ...['-v', 'error', '-nostdin', '-nostats', '-y', '-filter_threads', '2', '-filter_complex_threads', '2'],
      ...['-threads', '2', '-i', path, '-filter_complex', `[0:v:0]${picture}[v];[0:a:0]${sound}[a]`],
      ...['-map', '[v]', '-map_metadata', '-1', '-frames:v', String(frames), '-fps_mode', 'passthrough'],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-bf', '0', '-threads', '2'],
      ...['-movflags', '+faststart', '-f', 'mp4', join(out, `${n}.mp4`)],
      ...['-map', '[a]', '-map_metadata', '-1', '-c:a', 'pcm_s16le', '-f', 'wav', join(out, `${n}.wav`)],
    ];
  });
  const quoted = lines.map((line) => line.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '));
  const input = quoted.map((line) => `ffmpeg ${line}\0`).join('');
  const child = spawn('xargs', ['-0', '-P', String(AT_A_TIME), '-n', '1', 'sh', '-c', 'eval "$0"'], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  child.stdin.end(input);
  const code = await new Promise((done) => child.once('exit', done));
  if (code !== 0) throw new Error('a command line failed');
}

async function measured(work) {
  const [startMs, startCpuS] = [performance.now(), cpuSeconds()];
  await work();
  return { wallS: (performance.now() - startMs) / 1000, cpuS: cpuSeconds() - startCpuS };
}

/** User and system time of this process and of all children that have ended, by /proc/self/stat. */
function cpuSeconds() {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

function report(clips, rounds) {
  const ratios = rounds.map(({ service, shell }) => shell.wallS / service.wallS);
  const cpuRatios = rounds.map(({ service, shell }) => shell.cpuS / service.cpuS);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const perClip = (side) => (1000 * mean(rounds.map((round) => round[side].wallS))) / clips.length;
  if (process.argv.includes('--json')) {
    console.log(
      JSON.stringify({ bench: 'preprocess', target: TARGET, clips: clips.length, rounds, ratios, cpuRatios }),
    );
    return;
  }
  console.log(`${clips.length} clips, profile regnet, ${AT_A_TIME} at a time, ${ROUNDS} rounds`);
  console.log(`service, with flaw filters, hashes and store ${perClip('service').toFixed(0).padStart(6)} ms a clip`);
  console.log(`the same ffmpeg command lines from a shell   ${perClip('shell').toFixed(0).padStart(6)} ms a clip`);
  const each = (values) => values.map((value) => value.toFixed(2)).join(', ');
  console.log(
    `throughput ${mean(ratios).toFixed(2)} of the shell's (${each(ratios)}); by processor time ${mean(cpuRatios).toFixed(2)}`,
  );
  console.log(`target: ${TARGET}: ${mean(ratios) >= TARGET ? 'met' : 'missed'}`);
}

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { H264, makeMedia, testFolder } from './test-media.js';

const folder = testFolder();
const hasSetpriv = spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0;
if (!hasSetpriv) console.log('1 test skipped: setpriv (util-linux) is not there');

beforeAll(() => makeMedia('-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=30:d=60', ...H264, folder.path('long.mp4')));
afterAll(() => folder.remove());

/** Nothing of a process that has just ended. */
function told(pid: number | string, file: 'stat' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Process ids of the programs that a process has started. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => / \S (\d+) /.exec(told(entry, 'stat').replace(/^.*\)/, ' x'))?.[1] === String(parent))
    .map(Number);
}

/** A dead process may stay in the list until its new parent has taken note. */
function isRunning(pid: number): boolean {
  const stat = told(pid, 'stat');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

(hasSetpriv ? test : test.skip)(
  'ffmpeg ends with the process that started it, even when that is killed',
  async () => {
    const work = `
      import { cutClip } from ${JSON.stringify(new URL('./index.js', import.meta.url).href)};
      await cutClip({ path: ${JSON.stringify(folder.path('long.mp4'))}, startS: 0, durationS: 60, frameRate: 30,
        width: 1280, height: 720, videoPath: ${JSON.stringify(folder.path('v.mp4'))},
        soundPath: ${JSON.stringify(folder.path('s.wav'))}, sampleRateHz: 22050 });
    `;
    const worker = spawn(process.execPath, ['--input-type=module', '-e', work], { stdio: 'ignore' });
    const isCutting = (pid: number) => told(pid, 'cmdline').includes('libx264');
    let cutting: number | undefined;
    while (cutting === undefined) {
      expect(worker.exitCode).toBeNull();
      await sleep(50);
      cutting = childrenOf(worker.pid!).find((pid) => isCutting(pid));
    }
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    await sleep(1000);
    expect(isRunning(cutting)).toBe(false);
  },
  60_000,
);

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { chmodSync, writeFileSync } from 'node:fs';
import { probe, runningProcesses } from './index.js';
import { allFrames, countingPicture, errorOf, H264, makeMedia, testFolder } from './test-media.js';

// Each test runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(120_000);
const folder = testFolder();
const { path } = folder;
const before = { ...process.env };
beforeAll(() => makeMedia(...countingPicture(10), ...H264, path('in.mp4')));
afterAll(folder.remove);

async function withEnvironment<T>(values: Record<string, string>, work: () => Promise<T>): Promise<T> {
  Object.assign(process.env, values);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(values)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

function fakeProgram(script: string): string {
  writeFileSync(path('fake'), `#!/bin/sh\n${script}\n`);
  chmodSync(path('fake'), 0o755);
  return path('fake');
}

describe('finding ffmpeg', () => {
  test('where it is missing, the error says which package to install', async () => {
    const error = await withEnvironment({ PATH: folder.root }, () => errorOf(probe(path('in.mp4'))));
    expect(error.reason).toBe('UNAVAILABLE');
    expect(error.message).toMatch(/ffprobe isn't installed: install the package "ffmpeg".*apt-get install ffmpeg/);
  });

  test('SOUNDSTAGE_FFPROBE that names nothing is reported with its value', async () => {
    const error = await withEnvironment({ SOUNDSTAGE_FFPROBE: '/nowhere/ffprobe' }, () =>
      errorOf(probe(path('in.mp4'))),
    );
    expect(error.message).toBe('SOUNDSTAGE_FFPROBE names no program that can be run: /nowhere/ffprobe');
  });
});

describe('a program that misbehaves', () => {
  const decodeWith = async (script: string, options = {}) => {
    const info = await probe(path('in.mp4'));
    return withEnvironment({ SOUNDSTAGE_FFMPEG: fakeProgram(script) }, () =>
      errorOf(allFrames(path('in.mp4'), { info, ...options })),
    );
  };

  test('one that hangs and ignores SIGTERM is killed at the time limit', async () => {
    const startedAt = performance.now();
    const error = await decodeWith("trap '' TERM; while :; do sleep 0.1; done", { timeoutS: 0.5 });
    expect(error.reason).toBe('DEADLINE_EXCEEDED');
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(runningProcesses()).toBe(0);
  });

  test('one that crashes on the file makes it bad input; one that is told to end makes it a disturbance', async () => {
    expect((await decodeWith('kill -SEGV $$')).reason).toBe('BAD_INPUT');
    expect((await decodeWith('kill -TERM $$')).reason).toBe('UNAVAILABLE');
    expect((await decodeWith('echo "Exiting normally, received signal 15." >&2; exit 255')).reason).toBe('UNAVAILABLE');
  });

  test('what it says decides the reason', async () => {
    expect((await decodeWith('echo "av_interleaved_write_frame(): No space left on device" >&2; exit 1')).reason).toBe(
      'EXHAUSTED',
    );
    expect((await decodeWith('echo "Unknown encoder \'aac\'" >&2; exit 1')).reason).toBe('UNAVAILABLE');
    expect((await decodeWith('echo "Unrecognized option \'fps_mode\'." >&2; exit 1')).reason).toBe('INTERNAL');
    expect((await decodeWith('echo "[h264 @ 0x1] no frame!" >&2; exit 1')).message).toBe(
      "“in.mp4” can't be read as a video, picture or sound: no frame!.",
    );
  });

  test('a log without end does not fill the memory', async () => {
    const heapBefore = process.memoryUsage().rss;
    await decodeWith('head -c 100000000 /dev/zero >&2; yes error | head -c 5000000 >&2; exit 1');
    expect(process.memoryUsage().rss - heapBefore).toBeLessThan(300 * 2 ** 20);
  });

  test('it does not see the secrets in our environment', async () => {
    const error = await withEnvironment({ MY_SECRET_TOKEN: 'hush' }, () => decodeWith('env >&2; exit 1'));
    expect(String(error.cause)).toMatch(/PATH=/);
    expect(String(error.cause)).not.toMatch(/hush/);
  });
});

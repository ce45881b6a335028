import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deflateSync, crc32 } from 'node:zlib';
import { decodeAudio, measureLoudness, probe, runningProcesses } from './index.js';
import { allFrames, countingPicture, errorOf, H264, H264_B, makeMedia, sine, testFolder } from './test-media.js';

// Each test runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(120_000);
const folder = testFolder();
const { path } = folder;
const server = createServer((_, response) => {
  requests += 1;
  response.end();
});
let requests = 0;
let address = '';
beforeAll(async () => {
  makeMedia(...countingPicture(100), ...sine(4), ...H264_B, '-c:a', 'aac', path('plain.mp4'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  folder.remove();
});

/** Fails unless the file is refused as bad input, in words that name it, within seconds. */
async function refused(name: string, words: RegExp): Promise<void> {
  const startedAt = performance.now();
  const error = await errorOf(allFrames(path(name)));
  expect({ name, reason: error.reason, retryable: error.retryable }).toEqual({
    name,
    reason: 'BAD_INPUT',
    retryable: false,
  });
  expect(error.message).toMatch(words);
  expect(error.message).toContain(`“${name}”`);
  expect(error.message).not.toContain(folder.root);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(runningProcesses()).toBe(0);
}

describe('what is no media', () => {
  test('an empty file', async () => {
    writeFileSync(path('empty.mp4'), '');
    await refused('empty.mp4', /is empty \(0 bytes\)/);
  });

  test('a text file that is named .mp4', async () => {
    writeFileSync(path('text.mp4'), 'Dear diary, today I named a text file .mp4.\n'.repeat(100));
    await refused('text.mp4', /can't be read as a video/);
  });

  test('random bytes and zero bytes', async () => {
    writeFileSync(path('zeros.mp4'), Buffer.alloc(100_000));
    await refused('zeros.mp4', /can't be read/);
    writeFileSync(
      path('noise.mkv'),
      Buffer.from(Array.from({ length: 50_000 }, (_, n) => (n * n * 31 + (n >> 3)) & 255)),
    );
    await refused('noise.mkv', /can't be read|no picture|holds neither/);
  });

  test('a folder, a device, a named pipe and nothing at all', async () => {
    mkdirSync(path('folder.mp4'));
    await refused('folder.mp4', /isn't a file/);
    execFileSync('mkfifo', [path('pipe.mp4')]);
    await refused('pipe.mp4', /isn't a file/);
    symlinkSync('/dev/zero', path('device.mp4'));
    await refused('device.mp4', /isn't a file/);
    expect(await errorOf(probe(path('missing.mp4')))).toMatchObject({
      reason: 'NOT_FOUND',
      message: "“missing.mp4” doesn't exist.",
    });
    expect((await errorOf(probe(path('a\0b.mp4')))).reason).toBe('BAD_INPUT');
    expect((await errorOf(probe(path('x'.repeat(300))))).reason).toBe('BAD_INPUT');
  });
});

describe('what would open other files', () => {
  const playlists: Record<string, () => string> = {
    'hls.m3u8': () =>
      `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://${address}/a.ts\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n`,
    'hls-local.m3u8': () => `#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:4,\n${path('plain.mp4')}\n#EXT-X-ENDLIST\n`,
    'list.ffconcat': () => `ffconcat version 1.0\nfile '${path('plain.mp4')}'\nfile 'http://${address}/b.mp4'\n`,
    'dash.mpd': () =>
      `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>http://${address}/c.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
    'session.sdp': () =>
      `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
    'drawing.svg': () =>
      `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64"><image xlink:href="http://${address}/d.png" width="64" height="64"/></svg>`,
    'subtitles.srt': () => '1\n00:00:00,000 --> 00:00:02,000\nhello\n',
    'script.ass': () => '[Script Info]\nScriptType: v4.00+\n[Events]\nDialogue: 0,0:00:00.00,0:00:01.00,,,0,0,0,,hi\n',
  };

  test.each(Object.keys(playlists))(
    '%s is refused, also when it is named .mp4, and nothing is fetched',
    async (name) => {
      requests = 0;
      const content = (playlists[name] as () => string)();
      writeFileSync(path(name), content);
      await refused(name, /kind that isn't taken|can't be read|holds neither/);
      writeFileSync(path(`${name}.mp4`), content);
      await refused(`${name}.mp4`, /kind that isn't taken|can't be read|holds neither/);
      expect(requests).toBe(0);
    },
  );

  test('a playlist is called by its kind', async () => {
    const error = await errorOf(probe(path('hls.m3u8')));
    expect(error.message).toMatch(/\(hls\)/);
  });

  test('an MP4 that says its media lies in another file gets nothing from there', async () => {
    // A data reference of type "alis"/"url " without the self-contained flag: the flag is cleared in the file.
    const bytes = readFileSync(path('plain.mp4'));
    const dref = bytes.indexOf('url ', bytes.indexOf('dref'));
    bytes.writeUInt32BE(0, dref + 4);
    writeFileSync(path('dref.mp4'), bytes);
    const outcome = await allFrames(path('dref.mp4')).then(
      () => 'OK',
      (error: { reason: string }) => error.reason,
    );
    expect(['OK', 'BAD_INPUT']).toContain(outcome);
  });
});

describe('what is too much or too little', () => {
  test('a picture of 1×1', async () => {
    writeFileSync(path('one.png'), png(1, 1));
    await refused('one.png', /1×1 pixels; the least is 2×2/);
  });

  test('pictures of 16,384×16,384 and 100,000×100,000 pixels, by their headers', async () => {
    writeFileSync(path('16k.png'), png(16_384, 16_384));
    await refused('16k.png', /limit/);
    writeFileSync(path('100k.png'), png(100_000, 100_000));
    await refused('100k.png', /limit|size/);
    const bytes = readFileSync(path('plain.mp4'));
    const avc1 = bytes.indexOf('avc1', bytes.indexOf('stsd'));
    bytes.writeUInt16BE(16_000, avc1 + 28);
    bytes.writeUInt16BE(16_000, avc1 + 30);
    writeFileSync(path('header16k.mp4'), bytes);
    const outcome = await allFrames(path('header16k.mp4')).then(
      () => 'OK',
      (error: { reason: string }) => error.reason,
    );
    expect(['OK', 'BAD_INPUT']).toContain(outcome); // the stream itself tells its true size
  });

  test('five hours of length', async () => {
    makeMedia('-f', 'lavfi', '-i', 'color=s=16x16:r=1/60:d=18000', ...H264, path('hours.mp4'));
    await refused('hours.mp4', /18000 s long; the limit is 14400 s/);
  });

  test('1,000 streams', async () => {
    makeMedia(...sine(0.1), '-c:a', 'aac', path('short.m4a'));
    const maps = Array.from({ length: 1000 }, () => ['-map', '0:a']).flat();
    makeMedia('-i', path('short.m4a'), ...maps, '-c', 'copy', path('streams.mp4'));
    await refused('streams.mp4', /more than 64 streams/);
  });

  test('a length in the header that the file does not have', async () => {
    makeMedia(...countingPicture(100), ...H264, '-movflags', '+faststart', path('fast.mp4'));
    const whole = readFileSync(path('fast.mp4'));
    writeFileSync(path('half.mp4'), whole.subarray(0, Math.round(whole.length * 0.6)));
    await refused('half.mp4', /is cut off/);
  });

  test('no sound where sound is asked for', async () => {
    makeMedia(...countingPicture(10), ...H264, path('silent.mp4'));
    const read = async () => {
      for await (const block of decodeAudio(path('silent.mp4'), { sampleRateHz: 16_000, channels: 1 })) void block;
    };
    expect((await errorOf(read())).message).toBe('“silent.mp4” has no sound.');
    expect((await errorOf(measureLoudness(path('silent.mp4')))).reason).toBe('BAD_INPUT');
  });
});

describe('files that were cut off', () => {
  test.each([
    ['end.mp4', []],
    ['front.mp4', ['-movflags', '+faststart']],
    ['parts.mp4', ['-movflags', '+frag_keyframe+empty_moov']],
    ['x.mkv', []],
    ['x.avi', ['-c:v', 'mpeg4', '-c:a', 'mp3']],
    ['x.ts', []],
    ['x.webm', ['-c:v', 'libvpx', '-c:a', 'libopus']],
  ])('%s, cut at many points, is decoded or refused', async (name, options) => {
    makeMedia('-i', path('plain.mp4'), '-c', 'copy', '-g', '12', ...options, path(name));
    const whole = readFileSync(path(name));
    const outcomes: string[] = [];
    for (const share of [0.0005, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
      const cut = `cut-${name}`;
      writeFileSync(path(cut), whole.subarray(0, Math.max(1, Math.round(whole.length * share))));
      outcomes.push(
        await allFrames(path(cut)).then(
          () => 'OK',
          (error: { reason: string }) => error.reason,
        ),
      );
    }
    expect(outcomes.filter((outcome) => outcome !== 'OK' && outcome !== 'BAD_INPUT')).toEqual([]);
    expect(outcomes[0]).toBe('BAD_INPUT');
    // Containers that tell the length of the picture show that half of it is missing.
    if (name !== 'x.ts' && name !== 'parts.mp4') expect(outcomes[4]).toBe('BAD_INPUT');
    expect(runningProcesses()).toBe(0);
  });
});

/** A PNG with this size in its header and next to nothing in it. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(2))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

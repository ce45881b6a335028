import { afterAll, describe, expect, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { unpackFrames } from './untar.js';

const root = mkdtempSync(join(tmpdir(), 'soundstage-untar-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
const fresh = () => join(root, String(count++));

/** Packs a folder with the system's tar. */
function packed(fill: (folder: string) => void, ...options: string[]): Buffer {
  const folder = fresh();
  mkdirSync(folder);
  fill(folder);
  return execFileSync('tar', ['-c', '--format=ustar', ...options, '-C', folder, '.'], { maxBuffer: 2 ** 26 });
}
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const frame = (n: number) => Buffer.alloc(n * 300, n);

describe('Frames in a TAR', () => {
  test('come out as they went in, in whatever pieces they arrive', async () => {
    const tar = packed((folder) => {
      for (const n of [0, 1, 2, 3]) writeFileSync(join(folder, `00000${n}.jpg`), frame(n));
    });
    for (const size of [1, 511, 512, 4096, tar.length]) {
      const folder = fresh();
      expect(await unpackFrames(inPieces(tar, size), folder)).toBe(4);
      for (const n of [0, 1, 2, 3]) expect(readFileSync(join(folder, `00000${n}.jpg`))).toEqual(frame(n));
    }
  });

  test.each<[string, (folder: string) => void, string[]]>([
    [
      'a name that leads out of the folder',
      (f) => writeFileSync(join(f, '1.jpg'), 'x'),
      ['-P', '--transform=s,^./1,../../1,'],
    ],
    ['a link', (f) => symlinkSync('/etc/passwd', join(f, '000001.jpg')), []],
    ['a file that is no picture', (f) => writeFileSync(join(f, '000001.sh'), 'x'), []],
    ['a picture in a folder', (f) => (mkdirSync(join(f, 'a')), writeFileSync(join(f, 'a', '000001.jpg'), 'x')), []],
  ])('are refused with %s, and nothing is left behind', async (_what, fill, options) => {
    const folder = fresh();
    await expect(unpackFrames(inPieces(packed(fill, ...options), 4096), folder)).rejects.toMatchObject({
      reason: 'BAD_INPUT',
    });
    expect(existsSync(folder)).toBe(false);
    expect(readdirSync(root).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  test('that are cut off or damaged never look whole', async () => {
    const tar = packed((folder) => writeFileSync(join(folder, '000001.jpg'), frame(5)));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 513, max: 2500 }), async (end) => {
        const folder = fresh();
        await unpackFrames(inPieces(tar.subarray(0, end), 700), folder).catch((error: unknown) => {
          expect(error).toMatchObject({ reason: 'BAD_INPUT' });
        });
        if (existsSync(join(folder, '000001.jpg'))) {
          expect(readFileSync(join(folder, '000001.jpg'))).toEqual(frame(5));
        }
      }),
      { numRuns: 40 },
    );
    await expect(unpackFrames(inPieces(Buffer.alloc(2048, 7), 512), fresh())).rejects.toMatchObject({
      reason: 'BAD_INPUT',
    });
  });
});

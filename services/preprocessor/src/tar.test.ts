import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { temporaryFolder } from '@soundstage/core/testing';
import { packFolder } from './tar.js';

test('tar unpacks what was packed, and the same files give the same bytes', async () => {
  const home = await temporaryFolder();
  const folder = join(home.path, 'frames');
  const unpacked = join(home.path, 'unpacked');
  for (const path of [folder, unpacked]) await mkdir(path);
  const sizes = [0, 1, 511, 512, 513, 70_000];
  for (const size of sizes) await writeFile(join(folder, `${size}.bin`), Buffer.alloc(size, size % 251));
  const [one, two] = [join(home.path, 'one.tar'), join(home.path, 'two.tar')] as const;
  await packFolder(folder, one);
  await packFolder(folder, two);
  expect((await readFile(one)).equals(await readFile(two))).toBe(true);
  execFileSync('tar', ['-xf', one, '-C', unpacked]);
  for (const size of sizes) {
    expect((await readFile(join(unpacked, `${size}.bin`))).equals(Buffer.alloc(size, size % 251))).toBe(true);
  }
  await home.remove();
});

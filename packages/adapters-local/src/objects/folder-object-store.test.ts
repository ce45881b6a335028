import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify } from '../process-identity.js';
import { createFolderObjectStore } from './folder-object-store.js';
import { sweepTemporaryFiles, temporaryName } from './temporary-files.js';

describe('The object store in a folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'soundstage-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const text = (content: string) => Buffer.from(content);

  test('keeps objects over a restart', async () => {
    const put = await createFolderObjectStore({ folder }).put('a/b', text('hello'), { mediaType: 'text/plain' });
    const again = createFolderObjectStore({ folder });
    expect(await again.stat('a/b')).toEqual(put);
    expect((await buffer(await again.get('a/b'))).toString()).toBe('hello');
  });

  test('leaves no file and no folder of what was removed or has failed', async () => {
    const store = createFolderObjectStore({ folder });
    await store.put('a/b/c', text('x'));
    await store.put('a/d', text('x'));
    await store.delete('a/b/c');
    expect(readdirSync(join(folder, 'objects', 'a'))).toEqual(['d@1']);
    await store.put('a/d', text('y'), { ifVersion: 'absent' }).catch(() => undefined);
    await store.put('a/d', text('y'), { ifVersion: 'other' }).catch(() => undefined);
    await store.put('e/f', text('y'), { maxBytes: 0 }).catch(() => undefined);
    await store.delete('a/d');
    expect(readdirSync(join(folder, 'objects'))).toEqual([]);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  test('makes and removes neighbours at once without losing one', async () => {
    const store = createFolderObjectStore({ folder });
    await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        for (let round = 0; round < 8; round++) {
          await store.put(`same/folder/${n}`, text(String(round)), round % 2 ? {} : { ifVersion: 'absent' });
          expect((await buffer(await store.get(`same/folder/${n}`))).toString()).toBe(String(round));
          if (round % 2) await store.delete(`same/folder/${n}`);
        }
      }),
    );
    expect(await store.list('')).toEqual([]);
  });

  test('says that an object was damaged rather than give a part of it', async () => {
    const store = createFolderObjectStore({ folder });
    for (const keepBytes of [0, 3, 4000]) {
      await store.put('clip', Buffer.alloc(5000, 1));
      truncateSync(join(folder, 'objects', 'clip@1'), keepBytes);
      await expect(store.get('clip')).rejects.toMatchObject({ reason: 'INTERNAL', retryable: false });
      await expect(store.stat('clip')).rejects.toMatchObject({ reason: 'INTERNAL' });
    }
    await store.put('clip', text('made again'));
    expect(await store.stat('clip')).toMatchObject({ sizeBytes: 10 });
  });

  test('shows no files that others put into its folder', async () => {
    const store = createFolderObjectStore({ folder });
    await store.put('a', text('x'));
    writeFileSync(join(folder, 'objects', '.DS_Store'), 'x');
    expect((await store.list('')).map(({ key }) => key)).toEqual(['a']);
  });

  test('refuses what goes beyond its quota, and takes it when there is room again', async () => {
    const store = createFolderObjectStore({ folder, quotaBytes: 10_000 });
    await store.put('first', Buffer.alloc(6000));
    await expect(store.put('second', Buffer.alloc(6000))).rejects.toMatchObject({
      reason: 'EXHAUSTED',
      retryable: true,
    });
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
    await store.put('first', Buffer.alloc(1000));
    await store.put('second', Buffer.alloc(6000));
    await store.delete('second');
    await store.put('third', Buffer.alloc(8000));
    // What was there before counts too.
    await expect(
      createFolderObjectStore({ folder, quotaBytes: 10_000 }).put('x', Buffer.alloc(2000)),
    ).rejects.toMatchObject({
      reason: 'EXHAUSTED',
    });
  });

  test('sweeps up after the dead, and leaves the living and other machines alone', async () => {
    const tmp = join(folder, 'tmp');
    mkdirSync(tmp);
    const child = spawn('/bin/sleep', ['30']);
    await once(child, 'spawn');
    const { pid, startTicks, bootId } = identify(child.pid!)!;
    const own = temporaryName();
    const [host] = own.split('_');
    const living = `${host}_${bootId}_${pid}_${startTicks}_aa`;
    const sameNumber = `${host}_${bootId}_${pid}_${Number(startTicks) - 1}_bb`;
    const beforeRestart = `${host}_00000000-0000_${pid}_${startTicks}_cc`;
    const elsewhere = `other-host_${bootId}_999999_1_dd`;
    const oldElsewhere = `other-host_${bootId}_999999_1_ee`;
    for (const name of [own, living, sameNumber, beforeRestart, elsewhere, oldElsewhere])
      writeFileSync(join(tmp, name), 'x');
    const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000);
    utimesSync(join(tmp, oldElsewhere), twoDaysAgo, twoDaysAgo);
    await sweepTemporaryFiles(tmp);
    expect(readdirSync(tmp).sort()).toEqual([own, living, elsewhere].sort());
    child.kill('SIGKILL');
    await once(child, 'exit');
    createFolderObjectStore({ folder });
    for (let tries = 0; existsSync(join(tmp, living)) && tries < 100; tries++) await sleep(20);
    expect(readdirSync(tmp).sort()).toEqual([own, elsewhere].sort());
  });
});

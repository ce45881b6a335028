import { afterAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createFolderObjectStore } from './objects/folder-object-store.js';
import { createSqliteQueue } from './queue/sqlite-queue.js';

const mounted: string[] = [];

/** A file system of a few megabytes, or undefined where mounting isn't allowed. */
function mountTiny(sizeMb: number): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'soundstage-tiny-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  mounted.push(folder);
  return folder;
}

const tiny = [mountTiny(4), mountTiny(4)];
if (tiny.includes(undefined))
  console.log('2 tests of a full disk are skipped: mounting a small file system needs root');
const whereMounted = tiny.includes(undefined) ? test.skip : test;

/** Takes all the space that is left. */
function fill(folder: string): () => void {
  const file = join(folder, 'ballast');
  for (let sizeBytes = 1 << 20; sizeBytes >= 4096;) {
    const { bfree, bsize } = statfsSync(folder);
    if (bfree * bsize < sizeBytes) sizeBytes /= 2;
    else writeFileSync(file, Buffer.alloc(sizeBytes, 1), { flag: 'a' });
  }
  return () => unlinkSync(file);
}

describe('On a full disk', () => {
  afterAll(() => {
    for (const folder of mounted) {
      // Lazily: the store's lock is open as long as the process lives.
      execFileSync('umount', ['--lazy', folder]);
      rmSync(folder, { recursive: true });
    }
  });

  whereMounted(
    'the object store says so, keeps what it had, leaves nothing behind and works again when there is space',
    async () => {
      const folder = tiny[0]!;
      const store = createFolderObjectStore({ folder });
      const kept = await store.put('kept', Buffer.alloc(100_000, 1));
      async function* endless() {
        for (;;) yield Buffer.alloc(64 * 1024, 2);
      }
      await expect(store.put('large', endless())).rejects.toMatchObject({ reason: 'EXHAUSTED', retryable: true });
      expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
      expect((await store.list('')).map(({ key }) => key)).toEqual(['kept']);

      const free = fill(folder);
      await expect(store.put('kept', Buffer.alloc(50_000, 3))).rejects.toMatchObject({ reason: 'EXHAUSTED' });
      await expect(store.put('new/small', Buffer.from('x'))).rejects.toMatchObject({ reason: 'EXHAUSTED' });
      expect(await store.stat('kept')).toEqual(kept);
      expect(await buffer(await store.get('kept'))).toHaveLength(100_000);
      expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
      // To remove something works without space.
      await store.delete('kept');
      free();
      await store.put('new/small', Buffer.from('x'), { ifVersion: 'absent' });
      expect((await store.list('')).map(({ key }) => key)).toEqual(['new/small']);
    },
  );

  whereMounted('the queue says so, keeps what it had, and works again when there is space', async () => {
    const folder = tiny[1]!;
    const queue = createSqliteQueue({ file: join(folder, 'queue.sqlite') });
    const ids = await queue.publish('work', [{ body: 'first' }]);
    const free = fill(folder);
    const body = 'x'.repeat(200_000);
    let failed: unknown;
    for (let n = 0; n < 100 && failed === undefined; n++) {
      await queue.publish('work', [{ body }]).then(
        ([id]) => ids.push(id!),
        (thrown: unknown) => (failed = thrown),
      );
    }
    expect(failed).toMatchObject({ reason: 'EXHAUSTED', retryable: true });
    // Callers of one commit don't suffer from each other once there is space for some.
    await expect(queue.publish('work', [{ body }])).rejects.toMatchObject({ reason: 'EXHAUSTED' });
    expect(await queue.stats('work')).toMatchObject({ ready: ids.length });
    free();
    ids.push(...(await queue.publish('work', [{ body: 'last' }])));
    const deliveries = await queue.pull('work', { max: 1000, leaseMs: 60_000 });
    expect(deliveries.map(({ id }) => id)).toEqual(ids);
    expect(await Promise.all(deliveries.map((delivery) => delivery.ack()))).not.toContain(false);
    await queue.close();
  });
});

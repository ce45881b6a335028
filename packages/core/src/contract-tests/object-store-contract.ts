import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ObjectStore } from '../ports/object-store.js';
import { expectReason } from './expect-reason.js';
import type { ObjectStoreFixture } from './fixtures.js';
import { objectStoreModel } from './object-store-model.js';

let folders = 0;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const text = (content: string) => Buffer.from(content);

/** Holds an object store adapter to the port. */
export function objectStoreContract(name: string, createFixture: () => Promise<ObjectStoreFixture>): void {
  describe(`${name}, as an object store,`, () => {
    let fixture: ObjectStoreFixture;
    let store: ObjectStore;
    beforeAll(async () => {
      fixture = await createFixture();
      store = fixture.store;
    });
    afterAll(() => fixture.close());

    const newFolder = () => `contract/${process.pid}-${++folders}`;
    const read = async (key: string, range?: { startByte?: number; endByte?: number }) =>
      buffer(await fixture.other.get(key, range));

    test('gives back what was put, and tells its size, hash and type', async () => {
      const key = `${newFolder()}/clip.mp4`;
      const content = Buffer.from(Array.from({ length: 3000 }, (_, n) => n % 251));
      const put = await store.put(key, content, { mediaType: 'video/mp4' });
      expect(put).toMatchObject({ key, sizeBytes: 3000, sha256: sha256(content), mediaType: 'video/mp4' });
      expect(put.version).not.toBe('');
      expect(Math.abs(put.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
      expect(await fixture.other.stat(key)).toEqual(put);
      expect((await read(key)).equals(content)).toBe(true);
    });

    test('takes an empty object, and one that comes as a stream of odd parts', async () => {
      const folder = newFolder();
      expect(await store.put(`${folder}/empty`, Buffer.alloc(0))).toMatchObject({
        sizeBytes: 0,
        sha256: sha256(Buffer.alloc(0)),
      });
      expect(await read(`${folder}/empty`)).toHaveLength(0);
      const parts = [1, 70_000, 0, 3_000_000, 17].map((length, n) => Buffer.alloc(length, n + 65));
      const whole = Buffer.concat(parts);
      await store.put(`${folder}/stream`, Readable.from(parts), { sha256: sha256(whole) });
      expect(sha256(await read(`${folder}/stream`))).toBe(sha256(whole));
    });

    test('reads a range as slice does', async () => {
      const key = `${newFolder()}/range`;
      await store.put(key, text('0123456789'));
      expect((await read(key, { startByte: 3 })).toString()).toBe('3456789');
      expect((await read(key, { endByte: 3 })).toString()).toBe('012');
      expect((await read(key, { startByte: 2, endByte: 4 })).toString()).toBe('23');
      expect((await read(key, { startByte: 8, endByte: 100 })).toString()).toBe('89');
      expect((await read(key, { startByte: 10 })).toString()).toBe('');
      expect((await read(key, { startByte: 50, endByte: 60 })).toString()).toBe('');
      expect((await read(key, { startByte: 4, endByte: 4 })).toString()).toBe('');
      await expectReason(store.get(key, { startByte: -1 }), 'BAD_INPUT');
      await expectReason(store.get(key, { endByte: 1.5 }), 'BAD_INPUT');
    });

    test('says when there is no such object', async () => {
      const key = `${newFolder()}/nothing`;
      expect(await store.stat(key)).toBeUndefined();
      await expectReason(store.get(key), 'NOT_FOUND');
      await store.delete(key);
      expect(await store.list(key)).toEqual([]);
    });

    test('creates an object once, however many try at the same time', async () => {
      const key = `${newFolder()}/once`;
      const tries = await Promise.allSettled(
        Array.from({ length: 12 }, (_, n) =>
          (n % 2 ? store : fixture.other).put(key, text(`writer ${n}`), { ifVersion: 'absent' }),
        ),
      );
      const winners = tries.flatMap((one, n) => (one.status === 'fulfilled' ? [n] : []));
      expect(winners).toHaveLength(1);
      for (const one of tries)
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ reason: 'ALREADY_EXISTS' });
      expect((await read(key)).toString()).toBe(`writer ${winners[0]}`);
      await store.delete(key);
      await store.put(key, text('again'), { ifVersion: 'absent' });
      expect((await read(key)).toString()).toBe('again');
    });

    test('changes a record only from the version that was read', async () => {
      const key = `${newFolder()}/state.json`;
      await expectReason(store.put(key, text('x'), { ifVersion: 'some-version' }), 'CONFLICT');
      const first = await store.put(key, text('1'), { ifVersion: 'absent' });
      const second = await store.put(key, text('2'), { ifVersion: first.version });
      expect(second.version).not.toBe(first.version);
      await expectReason(fixture.other.put(key, text('3'), { ifVersion: first.version }), 'CONFLICT');
      // Even a write of the same bytes is a change.
      const third = await fixture.other.put(key, text('2'));
      expect(third.version).not.toBe(second.version);
      await expectReason(store.put(key, text('4'), { ifVersion: second.version }), 'CONFLICT');
      expect((await read(key)).toString()).toBe('2');
    });

    test('loses no increment of a counter that many change at once', async () => {
      const key = `${newFolder()}/counter`;
      await store.put(key, text('0'));
      const increment = async (client: ObjectStore) => {
        for (;;) {
          const before = await client.stat(key);
          const value = Number(await buffer(await client.get(key)));
          try {
            return await client.put(key, text(String(value + 1)), { ifVersion: before!.version });
          } catch (thrown) {
            expect(thrown).toMatchObject({ reason: 'CONFLICT' });
          }
        }
      };
      await Promise.all(Array.from({ length: 8 }, (_, n) => increment(n % 2 ? store : fixture.other)));
      expect((await read(key)).toString()).toBe('8');
    });

    test('leaves a reader the bytes that it opened', async () => {
      const key = `${newFolder()}/replaced`;
      await store.put(key, Buffer.alloc(300_000, 'a'));
      const reader = await store.get(key);
      await fixture.other.put(key, Buffer.alloc(300_000, 'b'));
      expect((await buffer(reader)).equals(Buffer.alloc(300_000, 'a'))).toBe(true);
    });

    test('keeps nothing of a put that failed', async () => {
      const key = `${newFolder()}/failed`;
      const broken = async function* () {
        yield text('some of it');
        throw new Error('the line broke');
      };
      await expect(store.put(key, broken())).rejects.toThrow('the line broke');
      await expectReason(store.put(key, text('damaged'), { sha256: sha256(text('whole')) }), 'BAD_INPUT');
      await expectReason(store.put(key, text('too long'), { maxBytes: 7 }), 'BAD_INPUT');
      const abort = new AbortController();
      const endless = async function* () {
        yield text('first');
        await new Promise(() => undefined);
      };
      setTimeout(() => abort.abort(), 20);
      await expectReason(store.put(key, endless(), { signal: abort.signal }), 'CANCELLED');
      expect(await store.stat(key)).toBeUndefined();
      await store.put(key, text('7 bytes'), { maxBytes: 7, sha256: sha256(text('7 bytes')) });
    });

    test('lists by prefix in the byte order of the keys, page by page', async () => {
      const folder = newFolder();
      const keys = ['a', 'a-b', 'a.b', 'a/b', 'a/b/c', 'a/c', 'a0', 'aB', 'a_b', 'ab', 'b/a'].map(
        (key) => `${folder}/${key}`,
      );
      for (const key of [...keys].reverse()) await store.put(key, text(key));
      const listed = async (prefix: string, options?: { after?: string; limit?: number }) =>
        (await fixture.other.list(prefix, options)).map(({ key }) => key);
      expect(await listed(`${folder}/`)).toEqual([...keys].sort());
      expect(await listed(`${folder}/a/`)).toEqual([`${folder}/a/b`, `${folder}/a/b/c`, `${folder}/a/c`]);
      expect(await listed(`${folder}/a/b`)).toEqual([`${folder}/a/b`, `${folder}/a/b/c`]);
      const pages: string[] = [];
      for (let page = await listed(`${folder}/`, { limit: 3 }); page.length > 0;) {
        expect(page.length).toBeLessThanOrEqual(3);
        pages.push(...page);
        page = await listed(`${folder}/`, { limit: 3, after: page.at(-1)! });
      }
      expect(pages).toEqual([...keys].sort());
      await store.delete(`${folder}/a/b`);
      expect(await listed(`${folder}/a/`)).toEqual([`${folder}/a/b/c`, `${folder}/a/c`]);
      expect((await store.list(`${folder}/a0`))[0]).toEqual(await store.stat(`${folder}/a0`));
    });

    test('refuses keys that lead elsewhere', async () => {
      const bad = [
        '',
        '/a',
        'a/',
        'a//b',
        '.',
        '..',
        '../a',
        'a/../b',
        'a/./b',
        'a b',
        'a\\b',
        'ä',
        'a\0b',
        'a@1',
        `a/${'x'.repeat(201)}`,
        'x/'.repeat(256) + 'x',
      ];
      for (const key of bad) {
        await expectReason(store.put(key, text('x')), 'BAD_INPUT');
        await expectReason(store.get(key), 'BAD_INPUT');
        await expectReason(store.stat(key), 'BAD_INPUT');
        await expectReason(store.delete(key), 'BAD_INPUT');
      }
      const longest = `${newFolder()}/${'x'.repeat(200)}/${'y'.repeat(200)}`;
      await store.put(longest, text('x'));
      expect(await store.list(longest)).toHaveLength(1);
    });

    test('behaves as a map does under random work of two clients', async () => {
      if (fixture.fast) await objectStoreModel(fixture, newFolder);
    });
  });
}

import { expect } from '@jest/globals';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import type { ObjectStoreFixture } from './fixtures.js';

type Step =
  | { do: 'put'; key: string; content: string; when: 'always' | 'absent' | 'current' | 'stale'; client: 0 | 1 }
  | { do: 'delete'; key: string; client: 0 | 1 }
  | { do: 'list'; prefix: string; after: string; limit: number };

// Few keys, so that they meet; with objects above objects.
const key = fc.constantFrom('a', 'a/b', 'a/b/c', 'a-b', 'a.b', 'b', 'b/a', 'ab');
const client = fc.constantFrom(0 as const, 1 as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      key,
      content: fc.string({ maxLength: 30 }),
      when: fc.constantFrom('always' as const, 'absent' as const, 'current' as const, 'stale' as const),
      client,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key, client }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('list' as const),
      prefix: fc.constantFrom('', 'a', 'a/', 'a/b', 'b', 'c'),
      after: fc.oneof(fc.constant(''), key),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
);

/** Random work of two clients against a map. */
export async function objectStoreModel(fixture: ObjectStoreFixture, newFolder: () => string): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const folder = newFolder();
      const clients = [fixture.store, fixture.other];
      const model = new Map<string, { content: string; version: string }>();
      let stale = 'never-was';
      for (const step of steps) {
        if (step.do === 'list') {
          const after = step.after && `${folder}/${step.after}`;
          const listed = await fixture.store.list(`${folder}/${step.prefix}`, { after, limit: step.limit });
          const expected = [...model.keys()].filter((key) => key.startsWith(step.prefix) && key > step.after).sort();
          expect(listed.map(({ key }) => key)).toEqual(expected.slice(0, step.limit).map((key) => `${folder}/${key}`));
          continue;
        }
        const store = clients[step.client]!;
        const known = model.get(step.key);
        if (step.do === 'delete') {
          await store.delete(`${folder}/${step.key}`);
          if (known) stale = known.version;
          model.delete(step.key);
          continue;
        }
        const ifVersion = { always: undefined, absent: 'absent', current: known?.version ?? stale, stale }[step.when];
        const refusal =
          ifVersion === undefined || ifVersion === known?.version || (ifVersion === 'absent' && !known)
            ? undefined
            : ifVersion === 'absent'
              ? 'ALREADY_EXISTS'
              : 'CONFLICT';
        const call = store.put(
          `${folder}/${step.key}`,
          Buffer.from(step.content),
          ifVersion === undefined ? {} : { ifVersion },
        );
        if (refusal) {
          await expect(call).rejects.toMatchObject({ reason: refusal });
        } else {
          const { version } = await call;
          expect(version).not.toBe(known?.version);
          if (known) stale = known.version;
          model.set(step.key, { content: step.content, version });
        }
      }
      const left = await fixture.other.list(`${folder}/`);
      expect(left.map(({ key, version }) => [key, version])).toEqual(
        [...model].map(([key, { version }]) => [`${folder}/${key}`, version]).sort(([a], [b]) => (a! < b! ? -1 : 1)),
      );
      for (const { key } of left) {
        const content = await buffer(await fixture.store.get(key));
        expect(content.equals(Buffer.from(model.get(key.slice(folder.length + 1))!.content))).toBe(true);
      }
    }),
    { numRuns: 40, seed: 20260102 },
  );
}

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createFolderObjectStore } from '@soundstage/adapters-local';
import { sha256, storeBytes, type ObjectStore } from '@soundstage/core';
import {
  listRegistered,
  listRegisteredPage,
  openModel,
  promotedFolder,
  promotedVersion,
  promoteModel,
  promotionHistory,
  registerModel,
  rollbackModel,
  type ModelToRegister,
} from '../index.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/rounds/2', import.meta.url));

let root: string;
let stores = 0;
let store: ObjectStore;
let weights: Buffer;
let goodCard: Record<string, unknown>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'registry-'));
  weights = await readFile(join(FIXTURE, 'model.onnx'));
  goodCard = {
    ...(JSON.parse(await readFile(join(FIXTURE, 'card.json'), 'utf8')) as object),
    does: 'Goes round.',
    dataset: 'none',
    licence: { model: 'Apache-2.0', training_data: 'none' },
    measured: [{ what: 'rounds a second', value: 3e6, command: 'npm test' }],
  };
});
beforeEach(() => {
  store = freshStore();
});
afterAll(() => rm(root, { recursive: true, force: true }));

const freshStore = () => createFolderObjectStore({ folder: join(root, String(++stores)) });

/** A model whose bytes differ by run, with a card that fits. */
async function made(runId: string, over: Partial<ModelToRegister> = {}): Promise<ModelToRegister> {
  const model = await storeBytes(store, Buffer.from(`weights of ${runId}`), `models/${runId}`, 'application/onnx');
  return { name: 'rounds', model, card: { ...goodCard, sha256: model.sha256 }, metrics: [], runId, ...over };
}
const register = async (runId: string, over: Partial<ModelToRegister> = {}) =>
  (await registerModel(store, await made(runId, over))).version;

describe('a model that is registered', () => {
  test('gets whole numbers as versions, above the one that ships', async () => {
    expect(await register('a', { above: 2 })).toBe('3');
    expect(await register('b', { above: 2 })).toBe('4');
    expect(await register('c', { above: 9 })).toBe('10');
    expect((await listRegistered(store, 'rounds')).map(({ version }) => version)).toEqual(['10', '4', '3']);
  });

  test('has one version, however often its run registers it', async () => {
    const first = await registerModel(store, await made('a'));
    await register('b');
    expect(await registerModel(store, await made('a'))).toEqual(first);
  });

  test('has one version by many processes at once, and every run has one of its own', async () => {
    const runs = ['a', 'b', 'c', 'd'];
    const models = await Promise.all(runs.map((run) => made(run)));
    const versions = await Promise.all([...models, ...models, ...models].map((each) => registerModel(store, each)));
    const byRun = new Map(
      runs.map((run) => [run, new Set(versions.filter((v) => v.runId === run).map((v) => v.version))]),
    );
    expect([...byRun.values()].every((set) => set.size === 1)).toBe(true);
    expect([...byRun.values()].flatMap((set) => [...set]).sort()).toEqual(['1', '2', '3', '4']);
    expect(await listRegistered(store)).toHaveLength(4);
  });

  test('carries its version on its card, and its metrics', async () => {
    const model = await registerModel(store, await made('a', { above: 4, metrics: [{ name: 'f1', value: 0.4 }] }));
    expect(model).toMatchObject({ version: '5', metrics: [{ name: 'f1', value: 0.4 }], runId: 'a', promoted: false });
    const card = JSON.parse((await buffer(await store.get(model.card!.key))).toString()) as object;
    expect(card).toMatchObject({ name: 'rounds', version: '5', dataset: 'none' });
  });

  test.each<[string, object, RegExp[]]>([
    [
      'nothing but a hash',
      { sha256: 'f'.repeat(64) },
      [/inputs/, /outputs/, /licence.model/, /dataset/, /measured/, /sha256.*the model has/],
    ],
    [
      'figures without commands',
      { measured: [{ what: 'f1', value: 0.3 }, { value: NaN }] },
      [/measured\[0\].command/, /measured\[1\].what/],
    ],
    ['another name', { name: 'square' }, [/`name` is "square"/]],
    ['no licence of its training data', { licence: { model: 'MIT' } }, [/licence.training_data/]],
  ])('is refused with every problem where its card has %s', async (what, over, problems) => {
    const model = await made('a');
    const card = what.startsWith('nothing') ? over : { ...model.card, ...over };
    const refused = registerModel(store, { ...model, card });
    for (const problem of problems) {
      await expect(refused).rejects.toMatchObject({ reason: 'BAD_INPUT', message: expect.stringMatching(problem) });
    }
    expect(await listRegistered(store)).toEqual([]);
  });

  test.each(['', '../x', 'A', 'a/b', 'x'.repeat(65)])('is refused under the name %j', async (name) => {
    await expect(register('a', { name })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      violations: [{ field: 'name' }],
    });
  });

  test('is listed by name, the newest version first, page by page', async () => {
    const rename = async (run: string, name: string) => {
      const model = await made(run, { name });
      await registerModel(store, { ...model, card: { ...model.card, name } });
    };
    for (const [run, name] of [
      ['1', 'b'],
      ['2', 'a'],
      ['3', 'b'],
      ['4', 'b-c'],
      ['5', 'b'],
    ] as const)
      await rename(run, name);
    const pages: string[][] = [];
    for (let after = ''; ;) {
      const { models, next } = await listRegisteredPage(store, { size: 2, after });
      pages.push(models.map(({ name, version }) => `${name}/${version}`));
      if (next === '') break;
      after = next;
    }
    expect(pages.flat().sort()).toEqual(['a/1', 'b-c/1', 'b/1', 'b/2', 'b/3']);
    expect(pages.flat().filter((each) => each.startsWith('b/'))).toEqual(['b/3', 'b/2', 'b/1']);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
  });
});

describe('a model that is promoted', () => {
  test('goes back step by step to the one that ships', async () => {
    for (const run of ['a', 'b', 'c']) await register(run);
    expect(await promotedVersion(store, 'rounds')).toBeUndefined();
    for (const version of ['1', '3', '3', '2']) await promoteModel(store, 'rounds', version);
    expect(await promotedVersion(store, 'rounds')).toBe('2');
    expect(await rollbackModel(store, 'rounds')).toMatchObject({
      previousVersion: '2',
      model: { version: '3', promoted: true },
    });
    expect(await rollbackModel(store, 'rounds')).toMatchObject({ previousVersion: '3', model: { version: '1' } });
    expect(await rollbackModel(store, 'rounds')).toEqual({ previousVersion: '1' });
    await expect(rollbackModel(store, 'rounds')).rejects.toMatchObject({ reason: 'CONFLICT', retryable: false });
    expect((await promotionHistory(store, 'rounds')).map(({ from, to }) => `${from}>${to}`)).toEqual([
      '>1',
      '1>3',
      '3>2',
      '2>3',
      '3>1',
      '1>',
    ]);
    expect((await listRegistered(store)).map(({ promoted }) => promoted)).toEqual([false, false, false]);
  });

  test('is refused where it is not there or another is promoted than expected', async () => {
    await register('a');
    await expect(promoteModel(store, 'rounds', '7')).rejects.toMatchObject({
      reason: 'NOT_FOUND',
      message: expect.stringContaining('there are 1'),
    });
    await expect(promoteModel(store, 'square', '1')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await expect(rollbackModel(store, 'square')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await expect(promoteModel(store, 'rounds', '1', { expected: '4' })).rejects.toMatchObject({ reason: 'CONFLICT' });
    expect((await promoteModel(store, 'rounds', '1', { expected: '' })).previousVersion).toBe('');
    await expect(rollbackModel(store, 'rounds', { expected: '4' })).rejects.toMatchObject({ reason: 'CONFLICT' });
    expect(await promotedVersion(store, 'rounds')).toBe('1');
  });

  test('of two that go back at once from what they both saw, one is told', async () => {
    for (const run of ['a', 'b', 'c']) await promoteModel(store, 'rounds', await register(run));
    const both = await Promise.allSettled([1, 2].map(() => rollbackModel(store, 'rounds', { expected: '3' })));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await promotedVersion(store, 'rounds')).toBe('2');
  });

  test('follows from its history, whatever is done at once by whom', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('1', '2', '3', 'back'), { minLength: 2, maxLength: 12 }),
        async (actions) => {
          store = freshStore();
          for (const run of ['a', 'b', 'c']) await register(run);
          const done = await Promise.allSettled(
            actions.map((action) =>
              action === 'back' ? rollbackModel(store, 'rounds') : promoteModel(store, 'rounds', action),
            ),
          );
          const history = await promotionHistory(store, 'rounds');
          const stack: string[] = [];
          for (const { action, from, to } of history) {
            expect(from).toBe(stack.at(-1) ?? '');
            if (action === 'promote') stack.push(to);
            else stack.pop();
            expect(to).toBe(stack.at(-1) ?? '');
          }
          expect((await promotedVersion(store, 'rounds')) ?? '').toBe(stack.at(-1) ?? '');
          // Whoever was told that it was done finds it in the history; what is promoted already is done by itself.
          const refused = done.filter(({ status }) => status === 'rejected').length;
          const backs = actions.filter((action) => action === 'back').length;
          expect(history.filter(({ action }) => action === 'rollback')).toHaveLength(backs - refused);
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('the folder of a promoted model', () => {
  const promoteReal = async (runId: string) => {
    const model = await storeBytes(store, weights, 'real/model.onnx', 'application/onnx');
    const labels = await storeBytes(store, Buffer.from('["a"]'), 'real/labels.json', 'application/json');
    const card = { ...goodCard, sha256: sha256(weights), version: 'as the trainer thinks' };
    const { version } = await registerModel(store, {
      name: 'rounds',
      model,
      card,
      labels,
      metrics: [],
      runId,
      above: 2,
    });
    await promoteModel(store, 'rounds', version);
  };

  test('opens as any other, under the version of the registry', async () => {
    const cache = join(root, 'cache-a');
    expect(await promotedFolder(store, 'rounds', cache)).toBeUndefined();
    await promoteReal('a');
    const folder = (await promotedFolder(store, 'rounds', cache))!;
    expect((await readdir(folder)).sort()).toEqual(['card.json', 'labels.json', 'model.onnx']);
    const model = await openModel({ folder, threads: 1, executionProvider: 'cpu' });
    expect(model.card).toMatchObject({ name: 'rounds', version: '3' });
    await model.close();
  });

  test('is fetched once, by many at a time too, and leaves nothing half-made', async () => {
    await promoteReal('a');
    const cache = join(root, 'cache-b');
    const folders = await Promise.all([1, 2, 3, 4].map(() => promotedFolder(store, 'rounds', cache)));
    expect(new Set(folders).size).toBe(1);
    expect(await readdir(join(cache, 'rounds'))).toHaveLength(1);
    await store.delete('real/model.onnx');
    expect(await promotedFolder(store, 'rounds', cache)).toBe(folders[0]);
    await expect(promotedFolder(store, 'rounds', join(root, 'cache-c'))).rejects.toMatchObject({ reason: 'BAD_INPUT' });
    expect(await readdir(join(root, 'cache-c', 'rounds'))).toEqual([]);
  });
});

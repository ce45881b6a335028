import { cp, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { longTest } from '@soundstage/core/contract-tests';
import { asFloat32, float32, listModels, openModel, type OpenModel, type Tensor } from './index.js';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));
const ENOUGH_FOR_A_SECOND = 3_000_000; // rounds; at least one second on any machine that this runs on

const opened: OpenModel[] = [];
const folders: string[] = [];

async function open(over: Partial<Parameters<typeof openModel>[0]> = {}): Promise<OpenModel> {
  const model = await openModel({ folder: FIXTURES, name: 'rounds', threads: 1, executionProvider: 'cpu', ...over });
  opened.push(model);
  return model;
}

async function copyOfFixtures(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'models-'));
  folders.push(folder);
  await cp(join(FIXTURES, 'rounds'), join(folder, 'rounds'), { recursive: true });
  return folder;
}

function inputs(rounds: number, rows = 2): Record<string, Tensor> {
  const x = new Float32Array(rows * 64).fill(1);
  return { x: float32(x, rows, 64), rounds: { dims: [1], data: BigInt64Array.of(BigInt(rounds)) } };
}

afterEach(async () => {
  for (const model of opened.splice(0)) await model.close();
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describe('a model is opened by its card', () => {
  test('it runs and answers in the shapes of its card', async () => {
    const model = await open();
    const { y, mean } = await model.run(inputs(0, 3));
    expect(Array.from(asFloat32(y))).toEqual(Array<number>(192).fill(1));
    expect(mean?.dims).toEqual([2]);
  });

  test('bytes are taken where float32 is asked for, and mean the same numbers', async () => {
    const model = await open();
    const bytes = Uint8Array.from({ length: 128 }, (_, i) => (i * 7) % 256);
    const asBytes = await model.run({ ...inputs(3), x: { dims: [2, 64], data: bytes } });
    const asFloats = await model.run({ ...inputs(3), x: float32(Float32Array.from(bytes), 2, 64) });
    expect(Array.from(asFloat32(asBytes['y']))).toEqual(Array.from(asFloat32(asFloats['y'])));
  });

  test('it hands back the outputs that are asked for, and refuses a name that it does not have', async () => {
    const model = await open();
    const some = await model.run(inputs(0, 3), { outputs: ['mean'] });
    expect(Object.keys(some)).toEqual(['mean']);
    expect(some['mean']).toEqual((await model.run(inputs(0, 3)))['mean']);
    await expect(model.run(inputs(0, 3), { outputs: ['meen'] })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringContaining('no output `meen`: choose from y, mean'),
    });
  });

  test('without a version, the highest is opened', async () => {
    expect((await open()).card.version).toBe('2');
    expect((await open({ version: '1' })).card.version).toBe('1');
  });

  test('a model whose file was changed is refused with both hashes', async () => {
    const folder = await copyOfFixtures();
    const path = join(folder, 'rounds', '2', 'model.onnx');
    const bytes = await readFile(path);
    const last = bytes.length - 1;
    bytes[last] = bytes[last]! ^ 1;
    await writeFile(path, bytes);
    const [card] = (await listModels(FIXTURES)).slice(-1);
    await expect(open({ folder })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringMatching(new RegExp(`SHA-256 is [0-9a-f]{64}, the card's ${card!.card.sha256}`)),
    });
  });

  test('a card that lacks what is needed is refused with every problem', async () => {
    const folder = await copyOfFixtures();
    await writeFile(join(folder, 'rounds', '2', 'card.json'), JSON.stringify({ inputs: [{ name: 'x', dtype: 'half', shape: [1] }] }));
    await expect(open({ folder })).rejects.toMatchObject({
      message: expect.stringMatching(/sha256.*licence.*dtype.*outputs/),
    });
  });

  test('a model that does not exist is refused with the names that do', async () => {
    await expect(open({ name: 'square' })).rejects.toMatchObject({ reason: 'NOT_FOUND', message: expect.stringContaining('rounds') });
    await expect(open({ version: '9' })).rejects.toMatchObject({ reason: 'NOT_FOUND', message: expect.stringContaining('1, 2') });
  });

  test('an execution provider that is not there is an error, never a silent fall-back', async () => {
    await expect(open({ executionProvider: 'cuda' })).rejects.toMatchObject({
      reason: 'UNAVAILABLE',
      message: expect.stringContaining("'cuda'"),
    });
  });

  test('all models in a folder are listed with their cards', async () => {
    const listed = await listModels(FIXTURES);
    expect(listed.map(({ name, version }) => `${name}/${version}`)).toEqual(['rounds/1', 'rounds/2']);
  });
});

describe('what a model is given is held to its card', () => {
  test.each<[string, Record<string, Tensor>, RegExp]>([
    ['a missing input', { x: inputs(1)['x']! }, /`rounds` is missing/],
    ['an unknown input', { ...inputs(1), z: inputs(1)['x']! }, /no input `z`/],
    ['another element type', { ...inputs(1), rounds: { dims: [1], data: Int32Array.of(1) } }, /int32, not int64/],
    ['another shape', { ...inputs(1), x: float32(new Float32Array(64), 64) }, /shape \[64\], not \[N, 64\]/],
    ['too few numbers', { ...inputs(1), x: float32(new Float32Array(64), 2, 64) }, /64 numbers, not the 128/],
    ['NaN', { ...inputs(1), x: float32(new Float32Array(128).fill(NaN, 5, 6), 2, 64) }, /NaN at index 5/],
    ['infinity', { ...inputs(1), x: float32(new Float32Array(128).fill(Infinity, 9), 2, 64) }, /Infinity at index 9/],
  ])('%s is refused with its name', async (_what, given, sentence) => {
    const model = await open();
    await expect(model.run(given)).rejects.toMatchObject({ reason: 'BAD_INPUT', message: expect.stringMatching(sentence) });
  });
});

describe('a model at work', () => {
  test('the event loop stays responsive during a run', async () => {
    const model = await open();
    let largestGapMs = 0;
    let lastMs = performance.now();
    const timer = setInterval(() => {
      largestGapMs = Math.max(largestGapMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 5);
    await model.run(inputs(ENOUGH_FOR_A_SECOND / 3));
    clearInterval(timer);
    expect(largestGapMs).toBeLessThan(50);
  });

  test('a cancelled run ends at once, and those that wait behind it go on in a fresh process', async () => {
    const model = await open();
    const before = model.pid();
    const controller = new AbortController();
    const long = model.run(inputs(ENOUGH_FOR_A_SECOND * 20), { signal: controller.signal });
    const behind = model.run(inputs(0));
    setTimeout(() => controller.abort(), 100);
    const startMs = performance.now();
    await expect(long).rejects.toMatchObject({ reason: 'CANCELLED' });
    expect(performance.now() - startMs).toBeLessThan(1000);
    expect((await behind)['y']?.dims).toEqual([2, 64]);
    expect(model.pid()).not.toBe(before);
  });

  test('a run that is cancelled while it waits does not disturb the one that works', async () => {
    const model = await open();
    const before = model.pid();
    const working = model.run(inputs(100_000));
    const waiting = model.run(inputs(0), { signal: AbortSignal.timeout(20) });
    await expect(waiting).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    await working;
    expect(model.pid()).toBe(before);
  });

  test('a process that dies fails its run as retryable, and the next run works', async () => {
    const model = await open();
    const long = model.run(inputs(ENOUGH_FOR_A_SECOND * 20));
    setTimeout(() => process.kill(model.pid()!, 'SIGKILL'), 100);
    await expect(long).rejects.toMatchObject({ reason: 'UNAVAILABLE', retryable: true });
    expect((await model.run(inputs(0)))['y']?.dims).toEqual([2, 64]);
  });

  test('closing ends the process, and later runs are refused', async () => {
    const model = await open();
    const pid = model.pid()!;
    await model.close();
    expect(() => process.kill(pid, 0)).toThrow();
    await expect(model.run(inputs(0))).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  });

  test('onnxruntime reports nothing to its maker: it opens no socket and leaves no log', async () => {
    const model = await open();
    const pid = model.pid()!;
    const descriptors = await readdir(`/proc/${pid}/fd`);
    const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    const internet = await readFile(`/proc/${pid}/net/tcp`, 'utf8');
    const sockets = targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
    expect(sockets.filter((inode) => internet.includes(` ${inode} `))).toEqual([]);
    expect((await readdir(tmpdir())).filter((name) => name === `mat-debug-${pid}.log`)).toEqual([]);
  });

  longTest('memory stays bounded over many runs', async () => {
    const model = await open();
    const residentMb = async (): Promise<number> => {
      const status = await readFile(`/proc/${model.pid()}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
    };
    const work = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) await model.run(inputs(1, 2000));
    };
    await work(80);
    const before = await residentMb();
    await work(160);
    expect((await residentMb()) - before).toBeLessThan(40); // 160 runs carry 160 MB through it
  });
});

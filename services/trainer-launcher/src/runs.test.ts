import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JobState, TrainerLauncherServiceService as Launcher, type Run } from '@soundstage/contracts';
import { getRun, HITS, launch, parameters, startTestLauncher, type TestLauncher } from './testing/launcher.js';

let launcher: TestLauncher;
let short: Run;
let long: Run;

beforeAll(async () => {
  launcher = await startTestLauncher();
  const { client } = launcher;
  const [a, b] = [
    await launch(client, { recipe: 'quick', ...HITS, seed: 1n, ...parameters({ epochs: 20 }) }),
    await launch(client, { recipe: 'quick', ...HITS, seed: 2n, ...parameters({ epochs: 40, rate: 0.25 }) }),
  ];
  await client.untilEnded(a.id);
  await client.untilEnded(b.id);
  [short, long] = [await getRun(client, a.id), await getRun(client, b.id)];
}, 60_000);
afterAll(() => launcher.close());

const textOf = async ({ key }: { key: string }) => (await launcher.client.download(key)).toString();

describe('a training run', () => {
  test('tells what it was given, where it ran, its curves and its result', () => {
    expect(short.job?.state).toBe(JobState.SUCCEEDED);
    expect(short.facts).toMatchObject({ datasetVersion: 'd1', codeVersion: 'stand-in', machine: 'a test', resumed: 0 });
    expect(Object.fromEntries(short.facts!.parameters.map(({ name, value }) => [name, value?.value]))).toEqual({
      seed: 1,
      epochs: 20,
      rate: 0.5,
      device: 'cpu',
      evaluate: false,
    });
    expect(short.facts!.endTime!.getTime()).toBeGreaterThanOrEqual(short.facts!.startTime!.getTime());
    expect(short.curves.map(({ name, steps }) => [name, steps.length, steps.at(-1)])).toEqual([
      ['loss.training', 20, 20],
      ['loss.validation', 2, 20],
    ]);
  });

  test('shows its curves while it is under way, to those who watch, coalesced', async () => {
    const { client } = launcher;
    const { id } = await launch(client, { recipe: 'steady', ...parameters({ epochs: 250 }) });
    const startMs = Date.now();
    const seen = await client.collect(Launcher.watchRun, { runId: id });
    const lengths = seen.map(({ run }) => run!.curves[0]?.steps.length ?? 0);
    expect([...lengths].sort((a, b) => a - b)).toEqual(lengths);
    expect(lengths.some((length) => length > 0 && length < 250)).toBe(true);
    expect(lengths.at(-1)).toBe(250);
    expect(seen.at(-1)!.run).toMatchObject({ job: { state: JobState.SUCCEEDED }, page: expect.anything() as unknown });
    // Two and a half messages a second, not one for each step.
    expect(seen.length).toBeLessThanOrEqual(3 + (Date.now() - startMs) / 400);
  }, 60_000);

  test('of equal work ends at once, with what the first one told', async () => {
    const { client } = launcher;
    const spec = { recipe: 'steady', seed: 9n, ...parameters({ epochs: 11 }) };
    const first = await launch(client, spec);
    await client.untilEnded(first.id);
    const second = await launch(client, spec);
    await client.untilEnded(second.id);
    const [a, b] = [await getRun(client, first.id), await getRun(client, second.id)];
    expect(b.id).not.toBe(a.id);
    expect([b.curves, b.facts, b.job?.result]).toEqual([a.curves, a.facts, a.job?.result]);
  });

  test('has a page that holds everything and loads nothing', async () => {
    const page = await textOf(long.page!);
    for (const part of [
      'quick',
      'made',
      'd1',
      'stand-in',
      'a test',
      'loss',
      '<svg',
      'default 2',
      'It &amp; &quot;went&quot; well.',
    ]) {
      expect(page).toContain(part);
    }
    expect(page).toMatch(/epochs<\/th>\s*<td>40<\/td>\s*<td class="soft">default 2</);
    expect(page).toMatch(/device<\/th>\s*<td>cpu<\/td>\s*<td class="soft">default</);
    expect(page).not.toMatch(/(src|href)="?https?:|<script|@import|url\(/);
    expect((await getRun(launcher.client, long.id)).page).toEqual(long.page);
  });

  test('that failed says why on its page', async () => {
    const { client } = launcher;
    const { id } = await launch(client, { recipe: 'refuse', ...HITS });
    await client.untilEnded(id);
    expect(await textOf((await getRun(client, id)).page!)).toContain('clip.mp4 has no sound; give clips with sound.');
  });

  test('is compared with another: what differs, and a page with both curves', async () => {
    const request = { fromRunId: short.id, toRunId: long.id };
    const { differences, page, from, to } = await launcher.client.call(Launcher.compareRuns, request);
    expect([from?.id, to?.id]).toEqual([short.id, long.id]);
    const told = new Map(differences.map(({ what, from: a, to: b }) => [what, [a, b]]));
    expect(told.get('parameters.epochs')).toEqual(['20', '40']);
    expect(told.get('parameters.rate')).toEqual(['0.5', '0.25']);
    expect(told.get('seed')).toEqual(['1', '2']);
    expect(told.get('metrics.loss')).toEqual(['0.05', '0.025']);
    for (const same of ['recipe', 'machine', 'code_version', 'parameters.device']) expect(told.has(same)).toBe(false);
    const text = await textOf(page!);
    expect(text).toContain('parameters.epochs');
    expect(text.match(/<path class="c[01]/g)).toHaveLength(4);
    const same = await launcher.client.call(Launcher.compareRuns, { fromRunId: short.id, toRunId: short.id });
    expect(same.differences).toEqual([]);
  });

  test('is listed, the newest first, page by page, without its curves', async () => {
    const { client } = launcher;
    const all = await client.call(Launcher.listRuns, { pageSize: 100, pageToken: '' });
    const ids = all.runs.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining([short.id, long.id]));
    expect(ids.indexOf(long.id)).toBeLessThan(ids.indexOf(short.id));
    expect(all.runs.every(({ curves }) => curves.length === 0)).toBe(true);
    const first = await client.call(Launcher.listRuns, { pageSize: 1, pageToken: '' });
    const second = await client.call(Launcher.listRuns, { pageSize: 1, pageToken: first.nextPageToken });
    expect([...first.runs, ...second.runs].map(({ id }) => id)).toEqual(ids.slice(0, 2));
  });

  test.each([
    ['GetRun', { runId: 'nothing' }],
    ['WatchRun', { runId: '../x' }],
    ['CancelRun', { runId: 't0' }],
  ])('that is not there is not found by %s', async (method, request) => {
    const { client } = launcher;
    const call =
      method === 'GetRun'
        ? client.call(Launcher.getRun, request)
        : method === 'WatchRun'
          ? client.collect(Launcher.watchRun, request)
          : client.call(Launcher.cancelRun, request);
    await expect(call).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  });

  test('refuses page tokens that are none', async () => {
    const { client } = launcher;
    const refused = { reason: 'BAD_INPUT', violations: [{ field: 'page_token' }] };
    await expect(client.call(Launcher.listRuns, { pageSize: 1, pageToken: 'x' })).rejects.toMatchObject(refused);
    const models = client.call(Launcher.listModels, { name: '', pageSize: 1, pageToken: '../x' });
    await expect(models).rejects.toMatchObject(refused);
  });

  test('is refused with every wrong parameter at once', async () => {
    const wrong = parameters({ epochs: 2.5, rate: 'fast', device: 'tpu', depth: 1, evaluate: 1 });
    const refused = launch(launcher.client, { recipe: 'quick', ...HITS, ...wrong });
    await expect(refused).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      violations: ['epochs', 'rate', 'device', 'depth', 'evaluate'].map((name) => ({
        field: `spec.parameters.${name}`,
      })),
    });
    await expect(launch(launcher.client, { recipe: 'quick', ...HITS, ...parameters({ epochs: 0 }) })).rejects.toThrow(
      'epochs is 0; it must be 1 to 10000',
    );
    await expect(launch(launcher.client, { recipe: 'quick', ...HITS, seed: 1001n })).rejects.toMatchObject({
      violations: [{ field: 'spec.seed' }],
    });
  });

  test('only exports where its recipe trains nothing', async () => {
    const { id } = await launch(launcher.client, { recipe: 'export', seed: 4n });
    const { model } = await launcher.client.resultOf(id, 'training');
    expect(await textOf(model!)).toBe('exported');
  });
});

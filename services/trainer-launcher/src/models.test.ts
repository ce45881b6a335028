import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JobState, TrainerLauncherServiceService as Launcher } from '@soundstage/contracts';
import { promotedVersion } from '@soundstage/models';
import { HITS, launch, startTestLauncher, type TestLauncher } from './testing/launcher.js';

let launcher: TestLauncher;

beforeAll(async () => {
  launcher = await startTestLauncher();
});
afterAll(() => launcher.close());

const trained = async (recipe: string, seed: bigint) => {
  const { id } = await launch(launcher.client, { recipe, ...HITS, seed });
  return { id, ...(await launcher.client.resultOf(id, 'training')) };
};
const list = async (name = '', pageSize = 0, pageToken = '') =>
  launcher.client.call(Launcher.listModels, { name, pageSize, pageToken });
const promote = (name: string, version: string, expectedVersion?: string) =>
  launcher.client.call(Launcher.promoteModel, { name, version, expectedVersion });
const rollback = (name: string, expectedVersion?: string) =>
  launcher.client.call(Launcher.rollbackModel, { name, expectedVersion });

describe('the models that runs have made', () => {
  test('are numbered above the one that ships, promoted, and taken back', async () => {
    const [first, second] = [await trained('rounds', 1n), await trained('rounds', 2n)];
    expect([first.modelVersion, second.modelVersion]).toEqual(['3', '4']);
    expect((await list('rounds')).models).toMatchObject([
      { name: 'rounds', version: '4', runId: second.id, promoted: false },
      { name: 'rounds', version: '3', runId: first.id, promoted: false },
    ]);
    expect(await promote('rounds', '3')).toMatchObject({
      model: { version: '3', promoted: true },
      previousVersion: '',
    });
    expect(await promote('rounds', '4', '3')).toMatchObject({ previousVersion: '3' });
    await expect(promote('rounds', '3', '3')).rejects.toMatchObject({
      reason: 'CONFLICT',
      violations: [{ field: 'expected_version' }],
    });
    expect((await list('rounds')).models.map(({ promoted }) => promoted)).toEqual([true, false]);
    expect(await rollback('rounds', '4')).toMatchObject({ model: { version: '3' }, previousVersion: '4' });
    expect(await rollback('rounds')).toEqual({ model: undefined, previousVersion: '3' });
    await expect(rollback('rounds')).rejects.toMatchObject({ reason: 'CONFLICT' });
    expect(await promotedVersion(launcher.services.platform.store, 'rounds')).toBeUndefined();
  }, 60_000);

  test('are not promoted where they can’t be run', async () => {
    const { modelName, modelVersion } = await trained('quick', 1n);
    await expect(promote(modelName, modelVersion)).rejects.toMatchObject({
      reason: 'BAD_INPUT',
      message: expect.stringMatching(/quick\/1 can't be promoted: .*can't be loaded/) as unknown,
    });
    expect((await list('quick')).models).toMatchObject([{ promoted: false }]);
  });

  test('are not registered where their card says too little, and the run says what is missing', async () => {
    const { id } = await launch(launcher.client, { recipe: 'careless' });
    const job = await launcher.client.untilEnded(id);
    expect(job).toMatchObject({ state: JobState.FAILED, attempt: 1, error: { reason: 'BAD_INPUT' } });
    for (const field of ['outputs', 'dataset', 'measured']) expect(job.error?.message).toContain(`\`${field}\``);
    expect((await list('careless')).models).toEqual([]);
  });

  test('are listed page by page', async () => {
    const all = (await list()).models;
    const first = await list('', 1);
    const second = await list('', 100, first.nextPageToken);
    expect([...first.models, ...second.models]).toEqual(all);
    expect(second.nextPageToken).toBe('');
  });

  test('that are not there are not found', async () => {
    await expect(promote('nothing', '1')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await expect(rollback('nothing')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await expect(promote('../x', '1')).rejects.toMatchObject({ reason: 'BAD_INPUT' });
  });
});

import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Feature } from '@soundstage/contracts';
import { temporaryFolder } from '@soundstage/core/testing';
import { readFeatureExtractorConfig } from './config.js';
import { readFeatureModels } from './feature-models.js';

const shipped = readFeatureExtractorConfig({}).SOUNDSTAGE_MODELS_DIR;
let home: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  home = await temporaryFolder();
});
afterAll(() => home.remove());

/** A folder with some of the models that ship. */
async function folderOf(name: string, models: string[]): Promise<string> {
  const folder = join(home.path, name);
  await mkdir(folder);
  for (const model of models) await symlink(join(shipped, model), join(folder, model));
  return folder;
}

type Card = { outputs: { name: string }[] };

/** Puts another version of the classifier's card there. */
async function withClassifier(folder: string, version: string, change: (card: Card) => Card): Promise<void> {
  await mkdir(join(folder, 'classifier', version), { recursive: true });
  const card = JSON.parse(await readFile(join(shipped, 'classifier', '2', 'card.json'), 'utf8')) as Card;
  await writeFile(join(folder, 'classifier', version, 'card.json'), JSON.stringify({ ...change(card), version }));
}

const read = (folder: string) => readFeatureModels(readFeatureExtractorConfig({ SOUNDSTAGE_MODELS_DIR: folder }));

describe('the models of features', () => {
  test('count for the features that come from them, and for no others', async () => {
    const folder = await folderOf('exchanged', ['motion']);
    await withClassifier(folder, '3', (card) => ({ ...card, sha256: '0'.repeat(64) }));
    const [before, after] = [await read(shipped), await read(folder)];
    expect(after.versionOf([Feature.MOTION])).toBe(before.versionOf([Feature.MOTION]));
    expect(after.versionOf([Feature.RGB])).not.toBe(before.versionOf([Feature.RGB]));
    expect(after.versionOf([Feature.RGB, Feature.MOTION])).not.toBe(before.versionOf([Feature.RGB, Feature.MOTION]));
    expect(before.versionOf([Feature.RGB, Feature.MOTION])).toBe(before.versionOf([Feature.MOTION, Feature.RGB]));
  });

  test('that are not there are named, and are missed by their own features alone', async () => {
    const folder = await folderOf('few', ['motion', 'flow']);
    await withClassifier(folder, '1', (card) => ({
      ...card,
      outputs: card.outputs.filter(({ name }) => name !== 'map'),
    }));
    const models = await read(folder);
    expect(models.versionOf([Feature.MOTION, Feature.RGB])).toMatch(/^[0-9a-f]{16}$/);
    const refusal = (feature: Parameters<typeof models.idOf>[0]) => {
      try {
        return models.versionOf([feature]);
      } catch (error) {
        return error;
      }
    };
    expect(refusal(Feature.MFCC)).toMatchObject({
      reason: 'UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining('The model mfcc is not there'),
    });
    expect(refusal(Feature.FLOW_RGB)).toMatchObject({ message: expect.stringContaining('The model flow_image') });
    expect(refusal(Feature.RGB_MAP)).toMatchObject({
      reason: 'UNAVAILABLE',
      message: expect.stringMatching(/classifier\/1 has no output map, which FEATURE_RGB_MAP comes from/),
    });
  });
});

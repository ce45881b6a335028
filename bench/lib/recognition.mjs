// Opens what recognition needs and nothing else: the classifier, the detector and the palette.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openModel } from '@soundstage/models';

const root = resolve(import.meta.dirname, '../..');

export async function openRecognition() {
  const { openPalette } = await import(join(root, 'services/inference/dist/jobs/foley/palette/palette.js'));
  const [classifier, detector] = await Promise.all(
    ['classifier', 'detector'].map((name) =>
      openModel({ folder: join(root, 'models'), name, threads: 1, executionProvider: 'cpu' }),
    ),
  );
  const labelsOf = async (model) => JSON.parse(await readFile(join(model.folder, 'labels.json'), 'utf8'));
  const palette = await openPalette(join(root, 'services/inference/palette'), {
    imagenet: await labelsOf(classifier),
    coco: await labelsOf(detector),
  });
  const models = { classifier, detector };
  return { models, palette, close: () => Promise.all([classifier.close(), detector.close()]) };
}

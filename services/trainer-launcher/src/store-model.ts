import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TrainingResult } from '@soundstage/contracts';
import { badInput, storeFile, type WorkContext } from '@soundstage/core';
import { fileSha256, registerModel } from '@soundstage/models';
import type { RunEnd } from './follow-run.js';

const CARD_BYTES = 4 * 2 ** 20;

/**
 * Stores what a run has made and registers its model under the next version of its name. What a second attempt stores
 * and registers again is the same.
 *
 * @param modelsFolder the models that ship, above whose versions the registry counts
 * @throws BAD_INPUT that lists every problem of the card
 */
export async function storeModel(
  { modelPath, cardPath, reportPath, metrics }: RunEnd & { state: 'trained' },
  { store, outputPrefix, jobId, signal }: WorkContext,
  modelsFolder: string,
): Promise<TrainingResult> {
  const card = await readTrainersCard(cardPath);
  const put = async (path: string, name: string, mediaType: string) => {
    // Under its own hash: another attempt's file never comes to stand in its place.
    const key = `${outputPrefix}/${(await fileSha256(path)).slice(0, 16)}/${name}`;
    return storeFile(store, path, key, mediaType, signal);
  };
  const model = await put(modelPath, 'model.onnx', 'application/onnx');
  const report = reportPath && (await put(reportPath, 'report.html', 'text/html; charset=utf-8'));
  const labelsPath = join(dirname(modelPath), 'labels.json');
  const hasLabels = (await stat(labelsPath).catch(() => undefined)) !== undefined;
  const labels = hasLabels && (await put(labelsPath, 'labels.json', 'application/json'));
  const name = typeof card['name'] === 'string' ? card['name'] : '';
  const registered = await registerModel(store, {
    name,
    model,
    card,
    ...(labels ? { labels } : {}),
    metrics,
    runId: jobId,
    above: await highestVersion(join(modelsFolder, name)),
  });
  return {
    model,
    card: registered.card,
    metrics,
    ...(report ? { report } : {}),
    modelName: name,
    modelVersion: registered.version,
  };
}

async function readTrainersCard(path: string): Promise<Record<string, unknown>> {
  const { size } = await stat(path);
  if (size > CARD_BYTES) throw badInput(`The trainer's card has ${size} bytes; the limit is ${CARD_BYTES}.`, 'card');
  try {
    const card = JSON.parse(await readFile(path, 'utf8')) as unknown;
    if (typeof card === 'object' && card !== null) return card as Record<string, unknown>;
  } catch (cause) {
    throw badInput("The trainer's card is not JSON.", 'card', cause);
  }
  throw badInput("The trainer's card is no JSON object.", 'card');
}

async function highestVersion(folder: string): Promise<number> {
  const versions = (await readdir(folder).catch(() => [])).filter((name) => /^\d{1,9}$/.test(name));
  return Math.max(0, ...versions.map(Number));
}

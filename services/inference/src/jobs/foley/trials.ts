import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenModel } from '@soundstage/models';
import { tryWith, unfit, zeros, type Trial } from '../../models/model-trial.js';

/** All models that the job knows. */
export const MODEL_NAMES = [
  'motion',
  'onset',
  'classifier',
  'detector',
  'flow',
  'flow_image',
  'regnet',
  'vocoder',
  'griffin_lim',
] as const;
export type ModelName = (typeof MODEL_NAMES)[number];

const SOUNDING: Trial = { inputs: () => ({ mel: zeros(1, 32, 80) }), outputs: { sound: [1, 32 * 256] } };
const TRIALS: Partial<Record<ModelName, Trial>> = {
  classifier: {
    inputs: () => ({ frames: zeros(1, 224, 224, 3) }),
    outputs: { probabilities: [1, -1], embedding: [1, 1280] },
  },
  detector: { inputs: () => ({ frames: zeros(1, 416, 416, 3) }), outputs: { scores: [1, -1, -1], boxes: [1, -1, 4] } },
  flow: { inputs: () => ({ frames: zeros(2, 96, 160) }), outputs: { flow: [1, 2, 96, 160] } },
  flow_image: { inputs: () => ({ flow: zeros(1, 2, 96, 160) }), outputs: { picture: [1, 224, 224, 3] } },
  regnet: { inputs: () => ({ visual: zeros(1, 8, 2560) }), outputs: { mel: [1, 32, 80] } },
  vocoder: SOUNDING,
  griffin_lim: SOUNDING,
};

/** Throws SoundstageError INTERNAL where a model doesn't do what the job takes it for. */
export async function tryModel(name: ModelName, model: OpenModel): Promise<void> {
  const trial = TRIALS[name];
  if (trial !== undefined) await tryWith(trial, model, 'foley');
}

/** The names of a model's classes, which lie beside it. Throws SoundstageError INTERNAL where they don't. */
export async function labelsOf(model: OpenModel): Promise<string[]> {
  try {
    return JSON.parse(await readFile(join(model.folder, 'labels.json'), 'utf8')) as string[];
  } catch (cause) {
    throw unfit(model, 'foley', 'labels.json beside it is missing or no JSON', cause);
  }
}

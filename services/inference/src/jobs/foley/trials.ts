import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SoundstageError } from '@soundstage/core';
import { float32, type OpenModel, type Tensor } from '@soundstage/models';

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

const zeros = (...dims: number[]): Tensor =>
  float32(new Float32Array(dims.reduce((product, side) => product * side, 1)), ...dims);

/** A small run in the job's own shapes, and what must come of it; -1 stands for any size. */
interface Trial {
  inputs: () => Record<string, Tensor>;
  outputs: Readonly<Record<string, readonly number[]>>;
}

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

/**
 * Makes sure that a model does what the job takes it for, whatever its card says: a version that doesn't would spoil
 * every job that begins after it was promoted.
 *
 * Throws SoundstageError INTERNAL with what is wrong.
 */
export async function tryModel(name: ModelName, model: OpenModel): Promise<void> {
  const trial = TRIALS[name];
  if (trial === undefined) return;
  const answer = await model.run(trial.inputs(), { outputs: Object.keys(trial.outputs) });
  for (const [output, wanted] of Object.entries(trial.outputs)) {
    const dims = answer[output]!.dims;
    if (dims.length === wanted.length && wanted.every((side, axis) => side === -1 || side === dims[axis])) continue;
    throw unfit(model, `its \`${output}\` has the shape [${dims.join(', ')}], not [${wanted.join(', ')}]`);
  }
}

/** The names of a model's classes, which lie beside it. Throws SoundstageError INTERNAL where they don't. */
export async function labelsOf(model: OpenModel): Promise<string[]> {
  try {
    return JSON.parse(await readFile(join(model.folder, 'labels.json'), 'utf8')) as string[];
  } catch (cause) {
    throw unfit(model, 'labels.json beside it is missing or no JSON', cause);
  }
}

function unfit({ card }: OpenModel, why: string, cause?: unknown): SoundstageError {
  return new SoundstageError('INTERNAL', `Model ${card.name}/${card.version} can't be used by foley: ${why}.`, {
    cause,
    retryable: false,
  });
}

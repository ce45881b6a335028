import { SoundstageError } from '@soundstage/core';
import { float32, type OpenModel, type Tensor } from '@soundstage/models';

export const zeros = (...dims: number[]): Tensor =>
  float32(new Float32Array(dims.reduce((product, side) => product * side, 1)), ...dims);

/** A small run in a job's own shapes, and what must come of it; -1 stands for any size. */
export interface Trial {
  inputs: () => Record<string, Tensor>;
  outputs: Readonly<Record<string, readonly number[]>>;
}

/**
 * Makes sure that a model does what a job takes it for, whatever its card says: a version that doesn't would spoil
 * every job that begins after it was promoted.
 *
 * Throws SoundstageError INTERNAL with what is wrong.
 */
export async function tryWith(trial: Trial, model: OpenModel, job: string): Promise<void> {
  const answer = await model.run(trial.inputs(), { outputs: Object.keys(trial.outputs) });
  for (const [output, wanted] of Object.entries(trial.outputs)) {
    const dims = answer[output]!.dims;
    if (dims.length === wanted.length && wanted.every((side, axis) => side === -1 || side === dims[axis])) continue;
    throw unfit(model, job, `its \`${output}\` has the shape [${dims.join(', ')}], not [${wanted.join(', ')}]`);
  }
}

export function unfit({ card }: OpenModel, job: string, why: string, cause?: unknown): SoundstageError {
  return new SoundstageError('INTERNAL', `Model ${card.name}/${card.version} can't be used by ${job}: ${why}.`, {
    cause,
    retryable: false,
  });
}

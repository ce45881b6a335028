import { SoundstageError } from '@soundstage/core';
import type { CardTensor, ModelCard } from './card.js';
import { dtypeOf, elementCount, firstNonFinite, type Tensor } from './tensor.js';

/**
 * Holds inputs to the card: names, element types, shapes, a size of one name equal everywhere, no NaN or infinity.
 * Returns the sizes by name.
 *
 * Throws SoundstageError BAD_INPUT that names the model, the tensor and what is wrong.
 */
export function checkInputs(card: ModelCard, inputs: Readonly<Record<string, Tensor>>): Map<string, number> {
  const problems: string[] = [];
  const sizes = new Map<string, number>();
  const known = new Set(card.inputs.map((input) => input.name));
  for (const name of Object.keys(inputs)) if (!known.has(name)) problems.push(`it has no input \`${name}\``);
  for (const expected of card.inputs) {
    const given = inputs[expected.name];
    if (given === undefined) problems.push(`input \`${expected.name}\` is missing`);
    else problems.push(...tensorProblems(expected, given, sizes).map((problem) => `input \`${expected.name}\` ${problem}`));
  }
  if (problems.length > 0) {
    throw new SoundstageError('BAD_INPUT', `Model ${card.name}/${card.version} can't run: ${problems.join('; ')}.`);
  }
  return sizes;
}

/**
 * The outputs of these names, or all.
 *
 * Throws SoundstageError BAD_INPUT for a name that the card doesn't list.
 */
export function wantedOutputs(card: ModelCard, names: readonly string[] | undefined): readonly CardTensor[] {
  if (names === undefined) return card.outputs;
  return names.map((name) => {
    const output = card.outputs.find((each) => each.name === name);
    if (output !== undefined) return output;
    const known = card.outputs.map((each) => each.name).join(', ');
    throw new SoundstageError(
      'BAD_INPUT',
      `Model ${card.name}/${card.version} has no output \`${name}\`: choose from ${known}.`,
    );
  });
}

/**
 * Holds outputs to the card, with the sizes that the inputs had.
 *
 * Throws SoundstageError INTERNAL: the model or the card is at fault, not the caller.
 */
export function checkOutputs(
  card: ModelCard,
  wanted: readonly CardTensor[],
  outputs: Readonly<Record<string, Tensor>>,
  sizes: Map<string, number>,
): void {
  for (const expected of wanted) {
    const given = outputs[expected.name];
    const problems = given === undefined ? ['is missing'] : tensorProblems(expected, given, sizes);
    if (problems.length > 0) {
      throw new SoundstageError(
        'INTERNAL',
        `Model ${card.name}/${card.version} gave a wrong answer: output \`${expected.name}\` ${problems.join('; ')}.`,
        { retryable: false },
      );
    }
  }
}

function tensorProblems(expected: CardTensor, given: Tensor, sizes: Map<string, number>): string[] {
  const dtype = dtypeOf(given.data);
  const widened = dtype === 'uint8' && expected.dtype === 'float32';
  if (dtype !== expected.dtype && !widened) return [`is ${dtype ?? 'no tensor'}, not ${expected.dtype}`];
  const shape = `[${expected.shape.join(', ')}]`;
  if (given.dims.length !== expected.shape.length || !given.dims.every((side, axis) => fits(side, expected.shape[axis]!, sizes))) {
    return [`has shape [${given.dims.join(', ')}], not ${shape}`];
  }
  if (elementCount(given.dims) !== given.data.length) {
    return [`has ${given.data.length} numbers, not the ${elementCount(given.dims)} of its shape [${given.dims.join(', ')}]`];
  }
  const bad = firstNonFinite(given.data);
  return bad < 0 ? [] : [`holds ${given.data[bad]} at index ${bad}`];
}

/** Whether a side is what the card says. A name is bound where it is first seen, and the same from then on. */
function fits(side: number, expected: number | string, sizes: Map<string, number>): boolean {
  if (!Number.isInteger(side) || side < 0) return false;
  if (typeof expected === 'number') return side === expected;
  const [, name, offset] = /^\s*(\w+)\s*([-+]\s*\d+)?\s*$/.exec(expected) ?? [];
  if (name === undefined) return true;
  const size = side - (offset === undefined ? 0 : Number(offset.replace(/\s/g, '')));
  const bound = sizes.get(name);
  if (bound === undefined) sizes.set(name, size);
  return bound === undefined || bound === size;
}

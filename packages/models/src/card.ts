import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SoundstageError } from '@soundstage/core';
import type { Dtype } from './tensor.js';

/** One input or output of a model. A side is a number, a name ("N") or a name with an offset ("N-1"). */
export interface CardTensor {
  name: string;
  dtype: Dtype;
  shape: readonly (number | string)[];
  /** Units and meaning, in words. */
  description?: string;
}

/** What `card.json` says about the model beside it; further fields are kept as they are. */
export interface ModelCard {
  name: string;
  version: string;
  sha256: string;
  /** Of the weights, and of what they were trained on. */
  licence: { model: string; training_data: string };
  inputs: readonly CardTensor[];
  outputs: readonly CardTensor[];
  [further: string]: unknown;
}

const DTYPES: ReadonlySet<unknown> = new Set<Dtype>(['float32', 'float64', 'int32', 'int64', 'uint8']);

/**
 * Reads and checks `<folder>/card.json`.
 *
 * Throws SoundstageError NOT_FOUND where there is none, BAD_INPUT where it says too little to run the model by.
 */
export async function readCard(folder: string): Promise<ModelCard> {
  const path = join(folder, 'card.json');
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SoundstageError('NOT_FOUND', `There is no model card at ${path}: give the folder of a model version.`, { cause });
  });
  let card: unknown;
  try {
    card = JSON.parse(text);
  } catch (cause) {
    throw new SoundstageError('BAD_INPUT', `The model card ${path} is not JSON: restore it from the release.`, { cause });
  }
  const problems = cardProblems(card);
  if (problems.length > 0) {
    throw new SoundstageError('BAD_INPUT', `The model card ${path} can't be used: ${problems.join('; ')}.`);
  }
  const read = card as ModelCard;
  return { ...read, name: read.name ?? basename(dirname(folder)), version: String(read.version ?? basename(folder)) };
}

/** What a card lacks to run its model by: every problem, in words. */
export function cardProblems(card: unknown): string[] {
  if (typeof card !== 'object' || card === null) return ['it is no object'];
  const fields = card as Record<string, unknown>;
  const problems: string[] = [];
  if (typeof fields['sha256'] !== 'string' || !/^[0-9a-f]{64}$/.test(fields['sha256'])) {
    problems.push('`sha256` must be 64 hexadecimal digits');
  }
  if (typeof (fields['licence'] as { model?: unknown } | undefined)?.model !== 'string') {
    problems.push('`licence.model` is missing');
  }
  for (const side of ['inputs', 'outputs'] as const) {
    const list = fields[side];
    if (!Array.isArray(list) || list.length === 0) problems.push(`\`${side}\` must list at least one tensor`);
    else list.forEach((entry, index) => problems.push(...tensorProblems(entry, `${side}[${index}]`)));
  }
  return problems;
}

function tensorProblems(entry: unknown, where: string): string[] {
  const { name, dtype, shape } = (entry ?? {}) as Partial<CardTensor>;
  const problems: string[] = [];
  if (typeof name !== 'string') problems.push(`${where}.name is missing`);
  if (!DTYPES.has(dtype)) problems.push(`${where}.dtype must be one of ${[...DTYPES].join(', ')}`);
  if (!Array.isArray(shape) || !shape.every((side) => typeof side === 'string' || Number.isInteger(side))) {
    problems.push(`${where}.shape must be a list of sizes and names`);
  }
  return problems;
}

/** The SHA-256 of a file, in hexadecimal, read in pieces. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/**
 * Makes sure that `model.onnx` is the file that its card describes, and returns its path.
 *
 * Throws SoundstageError NOT_FOUND where it is missing, BAD_INPUT, with both hashes, where it is another file.
 */
export async function verifiedModelPath(folder: string, card: ModelCard): Promise<string> {
  const path = join(folder, 'model.onnx');
  const found = await fileSha256(path).catch((cause: unknown) => {
    throw new SoundstageError('NOT_FOUND', `The weights ${path} can't be read: restore them from the release.`, { cause });
  });
  if (found !== card.sha256) {
    throw new SoundstageError(
      'BAD_INPUT',
      `The weights ${path} are not those of their card: the file's SHA-256 is ${found}, the card's ${card.sha256}. ` +
        `Restore the file or the card from the release.`,
    );
  }
  return path;
}

import { resolve } from 'node:path';
import { badInput } from '@soundstage/core';
import type { BatchTarget } from '../../batch/places.js';
import { refuseOutputs } from '../../outputs.js';
import { writeWhole } from '../../write-whole.js';

/**
 * Where nothing goes but figures: for folders that are only measured.
 *
 * @param csv where they are written; without it nothing is
 * @throws BAD_INPUT where it can't be written
 */
export async function figuresTarget(
  csvName: string,
  { csv, force = false }: { csv?: string | undefined; force?: boolean | undefined },
): Promise<BatchTarget> {
  const path = csv === undefined ? undefined : resolve(csv);
  if (path !== undefined) {
    if (!/\.csv$/i.test(path)) throw badInput('--csv writes figures: give it a name that ends with .csv.', 'csv');
    await refuseOutputs([path], { inputs: [], force, option: '--csv' });
  }
  const keeps = (file: string) => file === csvName && path !== undefined;
  return {
    address: '',
    folder: '',
    isNear: true,
    addressOf: (file) => (keeps(file) ? path! : file),
    keeps,
    there: async () => [],
    keep: async () => undefined,
    clear: async () => undefined,
    read: async () => undefined,
    write: async (file, text) => (keeps(file) ? writeWhole(path!, text) : undefined),
    remove: async () => undefined,
    lock: async () => ({ release: async () => undefined }),
  };
}

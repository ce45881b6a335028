import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { temporaryFolder } from '@soundstage/core/testing';
import { createNpyWriter } from './npy.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let files = 0;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** Reads an array by the letter of the format's specification, version 1.0. */
async function readNpy(path: string): Promise<{ shape: number[]; data: Float32Array }> {
  const bytes = await readFile(path);
  expect(bytes.subarray(0, 8)).toEqual(Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]));
  const headerBytes = bytes.readUInt16LE(8);
  expect((10 + headerBytes) % 64).toBe(0);
  const header = bytes.toString('latin1', 10, 10 + headerBytes);
  const [, shape] = /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(([\d, ]*)\), \} *\n$/.exec(header) ?? [];
  const body = bytes.subarray(10 + headerBytes);
  const data = Float32Array.from({ length: body.length / 4 }, (_, i) => body.readFloatLE(i * 4));
  return {
    shape: shape!
      .split(',')
      .map((side) => side.trim())
      .filter(Boolean)
      .map(Number),
    data,
  };
}

async function write(rowShape: readonly number[], batches: readonly Float32Array[]): Promise<string> {
  const path = join(folder.path, `${files++}.npy`);
  const writer = await createNpyWriter(path, rowShape);
  for (const batch of batches) await writer.append(batch);
  await writer.finish();
  return path;
}

/** The trainer's Python, where set-up has made it, has NumPy. */
const trainerPython = fileURLToPath(new URL('../../../.cache/venv/bin/python', import.meta.url));
const python = existsSync(trainerPython) ? trainerPython : 'python3';
const hasNumpy = (() => {
  try {
    execFileSync(python, ['-c', 'import numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('an .npy file that is written batch by batch', () => {
  test('holds what was written, in its order, with the whole shape', async () => {
    const rows = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    const rowShape = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(rows, rowShape, fc.infiniteStream(fc.float({ noNaN: true })), async (counts, shape, numbers) => {
        const length = shape.reduce((a, b) => a * b, 1);
        const next = () => numbers.next().value as number;
        const batches = counts.map((count) => Float32Array.from({ length: count * length }, next));
        const read = await readNpy(await write(shape, batches));
        expect(read.shape).toEqual([counts.reduce((a, b) => a + b, 0), ...shape]);
        expect([...read.data]).toEqual(batches.flatMap((batch) => [...batch]));
      }),
      { numRuns: 50 },
    );
  });

  (hasNumpy ? test : test.skip)('is read by NumPy itself as it was meant', async () => {
    const path = await write(
      [2, 3],
      [Float32Array.of(0, 1, 2, 3, 4, 5), Float32Array.of(-1.5, 1e-30, 3e38, 9, 10, 11)],
    );
    const script =
      'import json, numpy, sys; a = numpy.load(sys.argv[1]); ' +
      'print(json.dumps([a.dtype.str, a.flags.c_contiguous, a.shape, a.astype(float).ravel().tolist()]))';
    const told = JSON.parse(execFileSync(python, ['-c', script, path], { encoding: 'utf8' })) as unknown[];
    const values = [0, 1, 2, 3, 4, 5, -1.5, Math.fround(1e-30), Math.fround(3e38), 9, 10, 11];
    expect(told).toEqual(['<f4', true, [2, 2, 3], values]);
  });

  test('takes whole rows only, and never another file', async () => {
    const path = join(folder.path, 'taken.npy');
    const writer = await createNpyWriter(path, [3]);
    await expect(writer.append(new Float32Array(4))).rejects.toThrow('no whole rows');
    await writer.abandon();
    await expect(createNpyWriter(path, [3])).rejects.toThrow('EEXIST');
  });
});

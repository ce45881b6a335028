import { join } from 'node:path';
import { badInput } from '@soundstage/core';
import { RECIPES, type KnownFeature } from './features.js';
import type { FeatureModels } from './feature-models.js';
import { createNpyWriter, type NpyWriter } from './npy.js';

/** The arrays of one clip's features, written row by row. */
export interface FeatureArrays {
  /** Adds whole rows. @throws BAD_INPUT where the array grows too large */
  append(feature: KnownFeature, rows: Float32Array): Promise<void>;
  /** @returns path and shape of each array @throws BAD_INPUT for an array without rows */
  finish(): Promise<Map<KnownFeature, { path: string; shape: number[] }>>;
  abandon(): Promise<void>;
}

export async function createFeatureArrays(
  features: readonly KnownFeature[],
  models: FeatureModels,
  { folder, maxBytes }: { folder: string; maxBytes: number },
): Promise<FeatureArrays> {
  const pathOf = (feature: KnownFeature) => join(folder, `${RECIPES[feature].name}.npy`);
  const writers = new Map<KnownFeature, NpyWriter>();
  for (const feature of features) {
    writers.set(feature, await createNpyWriter(pathOf(feature), models.rowShapeOf(feature)));
  }
  return {
    async append(feature, rows) {
      const writer = writers.get(feature)!;
      checkSize(feature, writer.bytesWritten() + rows.byteLength, maxBytes);
      await writer.append(rows);
    },
    async finish() {
      const made = new Map<KnownFeature, { path: string; shape: number[] }>();
      for (const [feature, writer] of writers) {
        const shape = await writer.finish();
        writers.delete(feature);
        if (shape[0] === 0) {
          const { name, pairs } = RECIPES[feature];
          throw badInput(
            `The clip has too few pictures for ${name} features: it takes ${pairs ? 'two' : 'one'}.`,
            'spec.clip',
          );
        }
        made.set(feature, { path: pathOf(feature), shape });
      }
      return made;
    },
    async abandon() {
      for (const writer of writers.values()) await writer.abandon();
    },
  };
}

/** @throws BAD_INPUT that names the feature and the limit */
export function checkSize(feature: KnownFeature, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw badInput(
    `The ${RECIPES[feature].name} features are larger than the limit of ${maxBytes} bytes: cut the clip shorter, or raise SOUNDSTAGE_FEATURE_BYTES.`,
    'spec.clip',
  );
}

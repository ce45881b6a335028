import {
  InferenceServiceService,
  PaletteClassKind,
  type InferenceServiceServer,
  type ListSoundsResponse,
} from '@soundstage/contracts';
import { join } from 'node:path';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { readInferenceConfig } from './config.js';
import { createFoleyStage } from './foley-stage.js';
import { openFoley, type Foley } from './jobs/foley/open-foley.js';
import { openSync, type MeterOf } from './jobs/sync/open-sync.js';
import { createSyncStage } from './sync-stage.js';

/**
 * The inference service: opens its models, then takes jobs; models that are promoted meanwhile are taken for the next
 * ones. Foley's must be there; without those of sync, its jobs are refused with what is missing.
 */
export const createInference: CreateService = createInferenceWith();

/** The same with another meter of sync, where one is given. */
export function createInferenceWith(meterOf?: MeterOf): CreateService {
  return async (platform, handlers) => {
    const config = readInferenceConfig();
    const { store, log } = platform;
    const promoted = { store, cacheFolder: join(platform.config.SOUNDSTAGE_HOME, 'models') };
    const foley = await openFoley({ config, engines: ['palette', 'regnet'], promoted, log });
    const sync = await openSync({ config, promoted, log, meterOf }).catch(async (error: unknown) => {
      await foley.close();
      throw error;
    });
    for (const job of [foley, sync]) job.follow(config.SOUNDSTAGE_MODEL_POLL_S * 1000);
    const stages = { foley: createFoleyStage(foley), sync: createSyncStage(sync) };
    const implementation: InferenceServiceServer = {
      createFoley: createJobMethod('CreateFoley', stages.foley, platform, handlers),
      createSync: createJobMethod('CreateSync', stages.sync, platform, handlers),
      listLoadedModels: handlers.unary('ListLoadedModels', async () => ({
        models: [...foley.models, ...sync.models],
      })),
      listSounds: handlers.unary('ListSounds', async () => soundsOf(foley)),
      previewSound: handlers.unary('PreviewSound', async (request, { signal }) => ({
        wav: Buffer.from(
          await foley.preview({
            class: request.class,
            sound: request.sound || undefined,
            strength: request.strength,
            seed: Number(request.seed),
            signal,
          }),
        ),
      })),
    };
    return {
      name: 'inference',
      grpc: [{ definition: InferenceServiceService, implementation }],
      stages: [stages.foley, stages.sync],
      async close() {
        await Promise.all([foley.close(), sync.close()]);
      },
    };
  };
}

function soundsOf({ palette }: Foley): ListSoundsResponse {
  const classes = palette.classes.map((soundClass) => {
    const { id, label, kind, group } = soundClass;
    return {
      id,
      label,
      kind: kind === 'struck' ? PaletteClassKind.STRUCK : PaletteClassKind.CONTINUOUS,
      group,
      sounds: [...palette.soundsOf(soundClass)],
    };
  });
  return { classes: classes.filter(({ sounds }) => sounds.length > 0) };
}

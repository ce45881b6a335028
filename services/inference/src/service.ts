import {
  InferenceServiceService,
  PaletteClassKind,
  type InferenceServiceServer,
  type ListSoundsResponse,
} from '@soundstage/contracts';
import { join } from 'node:path';
import { createJobMethod, SoundstageError, type CreateService } from '@soundstage/core';
import { readInferenceConfig } from './config.js';
import { createFoleyStage } from './handler.js';
import { openFoley, type Foley } from './jobs/foley/open-foley.js';

/** The inference service: opens its models, then takes jobs; models that are promoted meanwhile are taken for the next ones. */
export const createInference: CreateService = async (platform, handlers) => {
  const config = readInferenceConfig();
  const { store, log } = platform;
  const foley = await openFoley({
    config,
    engines: ['palette', 'regnet'],
    promoted: { store, cacheFolder: join(platform.config.SOUNDSTAGE_HOME, 'models') },
    log,
  });
  foley.follow(config.SOUNDSTAGE_MODEL_POLL_S * 1000);
  const stage = createFoleyStage(foley);
  const implementation: InferenceServiceServer = {
    createFoley: createJobMethod('CreateFoley', stage, platform, handlers),
    createSync: handlers.unary('CreateSync', async () => {
      throw new SoundstageError('NOT_FOUND', 'There is no model sync here: none ships and none is promoted.');
    }),
    listLoadedModels: handlers.unary('ListLoadedModels', async () => ({ models: foley.models })),
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
    stages: [stage],
    close: () => foley.close(),
  };
};

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

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readConfig } from '@soundstage/core';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Reads the environment of the trainer launcher. @throws BAD_INPUT with every problem listed */
export function readTrainerLauncherConfig(env: NodeJS.ProcessEnv = process.env) {
  const ownPython = fromHere('../../../.cache/venv/bin/python');
  return readConfig(
    {
      /** The Python that has the trainer's packages. Default: the one that `./soundstage setup` makes, if it is there. */
      SOUNDSTAGE_PYTHON: z.string().default(existsSync(ownPython) ? ownPython : 'python3'),
      /** The folder that the package `soundstage_trainer` lies in. */
      SOUNDSTAGE_TRAINER_DIR: z.string().default(fromHere('../../trainer')),
      /** The folder that datasets are taken from by name; without it only manifests of splits are taken. */
      SOUNDSTAGE_DATASETS_DIR: z.string().optional(),
      /** Folder of `<name>/<version>/{model.onnx, card.json}`: models that recipes build on. */
      SOUNDSTAGE_MODELS_DIR: z.string().default(fromHere('../../../models')),
    },
    env,
  );
}

export type TrainerLauncherConfig = ReturnType<typeof readTrainerLauncherConfig>;

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { integer, readConfig } from '@soundstage/core';

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
      /** Folder of `<name>/<version>/{model.onnx, card.json}`: models that recipes build on, and that ship. */
      SOUNDSTAGE_MODELS_DIR: z.string().default(fromHere('../../../models')),
      /**
       * A claim that runs on other machines share with this one (SOUNDSTAGE_RUNNER=kubernetes), and where it is mounted in
       * both; by default in the home. Datasets, checkpoints and output of runs lie there. Without one they lie in the home.
       */
      SOUNDSTAGE_RUNNER_VOLUME: z.string().optional(),
      SOUNDSTAGE_RUNNER_VOLUME_PATH: z.string().optional(),
      /** Longest time of one run, seconds; a run that was taken up again counts from there. */
      SOUNDSTAGE_TRAINING_TIMEOUT_S: integer(1, 2_000_000).default(86_400),
      /** Most clips of a dataset that is laid out for a run. */
      SOUNDSTAGE_TRAINING_CLIPS: integer(1, 1_000_000).default(20_000),
      /** Most bytes of clips, sound and features that are laid out for a run. */
      SOUNDSTAGE_TRAINING_BYTES: integer(1, 2 ** 43).default(64 * 2 ** 30),
    },
    env,
  );
}

export type TrainerLauncherConfig = ReturnType<typeof readTrainerLauncherConfig>;

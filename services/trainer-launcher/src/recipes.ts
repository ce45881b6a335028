import { randomUUID } from 'node:crypto';
import { badInput, SoundstageError, type JobRunner } from '@soundstage/core';
import type { TrainerLauncherConfig } from './config.js';
import { PARAMETER_TYPES, type ParameterType, type ParameterValue, type RecipeParameter } from './parameters.js';
import { explainFailure, trainerCommand } from './trainer-command.js';

/** A recipe as the trainer describes it. */
export interface TrainerRecipe {
  name: string;
  description: string;
  /** What it can't do without: `data` for example. */
  needs: readonly string[];
  /** Features of the clips that it trains on, `mel_22k` for example. */
  features: readonly string[];
  /** Whether it trains, with a seed and checkpoints, or only exports a model. */
  trains: boolean;
  /** By name. The seed is none of them: it has a field of its own. */
  parameters: ReadonlyMap<string, RecipeParameter>;
  /** The bounds of the seed. */
  seed: Pick<RecipeParameter, 'least' | 'most'>;
}

export interface RecipeList {
  all(): Promise<TrainerRecipe[]>;
  /** @throws BAD_INPUT that names the recipes there are */
  find(name: string): Promise<TrainerRecipe>;
}

/** On another machine, its image comes first. */
const TIMEOUT_S = 600;

/** The trainer's recipes, asked for once and kept. @throws UNAVAILABLE when the trainer can't run here */
export function createRecipeList(runner: JobRunner, config: TrainerLauncherConfig): RecipeList {
  let asked: Promise<TrainerRecipe[]> | undefined;
  const all = () => {
    asked ??= ask(runner, config).catch((error: unknown) => {
      asked = undefined; // somebody may set the trainer up meanwhile
      throw error;
    });
    return asked;
  };
  return {
    all,
    async find(name) {
      const recipes = await all();
      const found = recipes.find((recipe) => recipe.name === name);
      if (found) return found;
      const names = recipes.map((recipe) => recipe.name).join(', ');
      throw badInput(
        `There is no recipe ${JSON.stringify(name.slice(0, 100))}: choose one of ${names}.`,
        'spec.recipe',
      );
    },
  };
}

async function ask(runner: JobRunner, config: TrainerLauncherConfig): Promise<TrainerRecipe[]> {
  const name = `recipes-${randomUUID()}`;
  await runner.start({ name, ...trainerCommand(config, ['recipes', '--json']), timeoutS: TIMEOUT_S });
  const lines: string[] = [];
  try {
    for await (const event of runner.follow(name)) {
      if (event.type === 'line') lines.push(event.text);
      else if (event.outcome.state === 'failed') throw explainFailure(event.outcome, undefined, lines);
      else if (event.outcome.state !== 'succeeded') {
        throw new SoundstageError(
          'UNAVAILABLE',
          'The trainer was disturbed while it was asked for its recipes: try again.',
        );
      }
    }
  } finally {
    await runner.remove(name).catch(() => undefined); // it may still be running when following it failed
  }
  // Not every engine tells the list from what libraries print beside it.
  return readRecipes(lines.findLast((line) => line.startsWith('{')) ?? '');
}

/** A recipe and its parameters in the trainer's words. */
interface Described {
  does?: string;
  needs?: string[];
  features?: string[];
  trains?: boolean;
  parameters?: Record<string, DescribedParameter>;
}
interface DescribedParameter {
  type?: string;
  default?: unknown;
  does?: string;
  least?: number;
  most?: number;
  choices?: string[];
}

/** `{"onset": {"does": "…", "needs": ["data"], "parameters": {"epochs": {"type": "integer", "default": 30, …}}}, …}` */
function readRecipes(text: string): TrainerRecipe[] {
  try {
    const described = JSON.parse(text) as Record<string, Described>;
    return Object.entries(described).map(
      ([name, { does = '', needs = [], features = [], trains = true, parameters = {} }]) => {
        const known = Object.entries(parameters).map(([parameter, told]) => readParameter(parameter, told));
        const { least, most } = known.find((parameter) => parameter.name === 'seed') ?? {};
        return {
          name,
          description: does,
          needs,
          features,
          trains,
          parameters: new Map(known.filter((p) => p.name !== 'seed').map((parameter) => [parameter.name, parameter])),
          seed: { ...(least === undefined ? {} : { least }), ...(most === undefined ? {} : { most }) },
        };
      },
    );
  } catch (cause) {
    throw new SoundstageError('INTERNAL', 'The trainer did not list its recipes as the launcher reads them.', {
      cause,
    });
  }
}

function readParameter(name: string, told: DescribedParameter): RecipeParameter {
  const { type, default: usual, does = '', least, most, choices } = told;
  if (!PARAMETER_TYPES.includes(type as ParameterType)) throw new Error(`${name} is a ${type}`);
  if (!['number', 'string', 'boolean'].includes(typeof usual)) throw new Error(`${name} has no default`);
  return {
    name,
    type: type as ParameterType,
    default: usual as ParameterValue,
    description: does,
    ...(least === undefined ? {} : { least }),
    ...(most === undefined ? {} : { most }),
    ...(choices === undefined ? {} : { choices }),
  };
}

import { Feature } from '@soundstage/contracts';
import { PREPROCESSING_PROFILES } from '@soundstage/core';
import { z } from 'zod';

/** The features that a recipe may ask for, by the names of their models' arrays: `mel_22k`. */
export const FEATURES: ReadonlyMap<string, Feature> = new Map(
  Object.entries(Feature).flatMap(([name, feature]) =>
    typeof feature === 'number' && Number(feature) > 0 ? [[name.toLowerCase(), feature] as const] : [],
  ),
);

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be a name of letters, digits, `.`, `_` and `-`, at most 100');
const seed = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(1);
const share = z.number().min(0).max(1);
const text = z.string().max(200);
const featureNames = z
  .array(z.string().refine((each) => FEATURES.has(each), `is no feature: choose of ${[...FEATURES.keys()].join(', ')}`))
  .min(1);

const collect = z.strictObject({
  /** A folder, a file of addresses, a dataset CSV, or `bucket:PREFIX`. */
  source: z.string().min(1),
  /** With a folder: a CSV of `path,source,label`, and `split` if wanted; files that it doesn't list are left out. */
  labels: z.string().min(1).optional(),
  /** Takes so many clips, evenly from the whole list; 0: all. Of lists of addresses and datasets: the first so many. */
  limit: z.number().int().min(0).default(0),
  label: text.default(''),
  label_from_folder: z.boolean().default(false),
  licence: text.default(''),
  /** Of a dataset CSV. */
  dataset_labels: z.array(text).default([]),
  dataset_split: text.default(''),
});

const preprocess = z.strictObject({
  profile: z.enum(PREPROCESSING_PROFILES).optional(),
  start_s: z.number().min(0).default(0),
  duration_s: z.number().min(0).default(0),
  frame_rate: z.number().positive().optional(),
  width: z.number().int().positive().optional(),
  height: z.number().int().positive().optional(),
  sample_rate_hz: z.number().int().positive().optional(),
  seed,
  /** `one` cut a clip, or one every so many seconds. */
  cuts: z.union([z.literal('one'), z.strictObject({ every_s: z.number().positive() })]).default('one'),
});

const split = z.strictObject({
  dataset: name,
  method: z.enum(['shares', 'own', 'folds']).default('shares'),
  train: share.optional(),
  validation: share.optional(),
  test: share.optional(),
  folds: z.number().int().min(2).max(20).optional(),
  seed,
  tag: name.optional(),
  dvc: z.boolean().default(false),
  page_samples: z.number().int().min(0).max(2000).optional(),
});

const extract = z.strictObject({
  features: featureNames,
  /** Pictures a second; 0: the clip's own. */
  frame_rate: z.number().min(0).default(0),
});

const train = z.strictObject({
  recipe: name,
  seed,
  parameters: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])).default({}),
  /** Which of the extracted features it is given; all where it isn't said. */
  features: featureNames.optional(),
});

const promote = z.strictObject({
  model: name,
  when: z.enum(['better', 'always', 'never']).default('better'),
  metric: z.string().optional(),
  /** Another metric of the same run that must be beaten, too: that of a plain method measured beside the model. */
  beats: z.string().optional(),
  higher_is_better: z.boolean().default(true),
});

/** What a recipe's file holds, besides its variables. */
export const recipeSchema = z
  .strictObject({
    name,
    description: z.string().optional(),
    collect,
    preprocess: preprocess.optional(),
    split,
    extract: z.preprocess((given) => (isMapping(given) ? [given] : given), z.array(extract)).default([]),
    train: z.array(train).default([]),
    promote: z.array(promote).default([]),
  })
  .superRefine((recipe, context) => {
    const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    checkPreprocess(recipe.preprocess, problem);
    checkSplit(recipe.split, problem);
    const seen = new Set<string>();
    recipe.extract.forEach(({ features }, n) => {
      for (const feature of features) {
        if (seen.has(feature)) problem(['extract', n, 'features'], `${feature} is extracted twice`);
        seen.add(feature);
      }
    });
    recipe.train.forEach(({ features = [] }, n) => {
      for (const feature of features.filter((each) => !seen.has(each))) {
        problem(['train', n, 'features'], `${feature} is not extracted: name it in \`extract\``);
      }
    });
    recipe.promote.forEach(({ when, metric }, n) => {
      if (when === 'better' && metric === undefined) {
        problem(['promote', n], '`when: better` needs the name of a `metric`');
      }
    });
  });

type Problem = (path: (string | number)[], message: string) => void;

function checkPreprocess(step: z.infer<typeof preprocess> | undefined, problem: Problem): void {
  if (step === undefined) return;
  const free = ['frame_rate', 'width', 'height', 'sample_rate_hz'] as const;
  for (const field of free) {
    if (step.profile !== undefined && step[field] !== undefined) {
      problem(['preprocess', field], `belongs to the profile ${step.profile}: leave it out`);
    }
    if (step.profile === undefined && step[field] === undefined) {
      problem(['preprocess'], `needs a \`profile\`, or \`${field}\``);
    }
  }
}

function checkSplit({ method, train: part, validation, test, folds }: z.infer<typeof split>, problem: Problem): void {
  const sum = (part ?? 0) + (validation ?? 0) + (test ?? 0);
  if (method === 'own') {
    if (part !== undefined || test !== undefined) {
      problem(['split'], 'the dataset divides itself: of train, validation and test only `validation` may be given');
    }
  } else if ([part, validation, test].some((each) => each !== undefined) && Math.abs(sum - 1) > 1e-6) {
    problem(['split'], `train, validation and test add up to ${sum}, not to 1`);
  }
  if ((method === 'folds') !== (folds !== undefined)) {
    problem(['split'], method === 'folds' ? '`method: folds` needs `folds`' : '`folds` goes with `method: folds`');
  }
  if (method === 'folds' && (validation ?? 0) > 0) {
    problem(['split', 'validation'], 'each fold is validation in its turn: leave it out');
  }
}

const isMapping = (given: unknown) => typeof given === 'object' && given !== null && !Array.isArray(given);

export type Recipe = z.infer<typeof recipeSchema>;
export type CollectStep = Recipe['collect'];
export type PreprocessStep = NonNullable<Recipe['preprocess']>;
export type SplitStep = Recipe['split'];
export type ExtractStep = Recipe['extract'][number];
export type TrainStep = Recipe['train'][number];
export type PromoteStep = Recipe['promote'][number];

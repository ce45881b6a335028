import { SoundstageError } from '@soundstage/core';
import { readModalShape, type ModalShape } from '../synth/modal-shape.js';
import type { NoiseBand, NoiseShape } from '../synth/noise.js';

/** A label of a model's output and how much it says for a class, 0 to 1. */
export interface LabelWeight {
  index: number;
  weight: number;
}

/** Things that say more together than each alone, a knife and a carrot: all of them must be seen in one frame. */
export interface TogetherWeight {
  indices: number[];
  weight: number;
}

/** What can be muted as one: `music` is every instrument, `speech` every human voice. */
export const GROUPS = [
  'impact',
  'body',
  'animal',
  'speech',
  'nature',
  'blast',
  'music',
  'signal',
  'machine',
  'ambience',
] as const;
export type SoundGroup = (typeof GROUPS)[number];

/** Something that can be heard. */
export interface SoundClass {
  /** `wood`, `hi-hat`: what people and programs call it by. */
  id: string;
  /** In words, after "a sound of": `a knock on wood`. */
  label: string;
  kind: 'struck' | 'continuous';
  /** Classes of one family may stand in for each other. */
  family: string;
  group: SoundGroup;
  /** A living thing calls: it does so when it likes, and not with every movement. */
  voiced: boolean;
  keywords: string[];
  imagenet: LabelWeight[];
  coco: LabelWeight[];
  together?: TogetherWeight[] | undefined;
  /** How much a person says for it whose feet are in the picture. */
  onFoot?: number | undefined;
  /** The class that is used where this one has neither recordings nor noise. */
  fallbackTo: string | null;
  /** How it is made where there are no recordings: a continuous class of noise, a struck one of modes. */
  noise: NoiseShape | undefined;
  modal: ModalShape | undefined;
}

export interface PaletteClasses {
  classes: SoundClass[];
  /** Fits any material; used where the picture doesn't tell. */
  neutral: SoundClass;
  /** What a place sounds like in which nothing happens. */
  ambience: SoundClass;
  /** Where the detector says that there is a person. */
  personIndex?: number | undefined;
}

/** The names of the models' outputs, in their order. */
export interface PaletteLabels {
  imagenet: readonly string[];
  coco: readonly string[];
}

/** `classes.json`: what can be heard, the words for it, and what in a picture says so. */
interface ClassesFile {
  /** Classes that fit anything. */
  neutral: { struck: string; continuous: string };
  classes: ListedClass[];
}

interface ListedClass {
  id: string;
  /** In words. */
  label: string;
  kind: 'struck' | 'continuous';
  /** Classes of one family may stand in for each other. */
  family: string;
  group: string;
  voiced?: boolean;
  keywords: string[];
  imagenet: { name: string; index: number; weight: number }[];
  coco: { name: string; weight: number }[];
  together?: { coco: string[]; weight: number }[];
  onFoot?: number;
  fallbackTo: string | null;
  modal?: unknown;
  bands?: NoiseBand[];
  crackle?: NoiseShape['crackle'];
  grains?: NoiseShape['grains'];
}

/**
 * Reads the classes and ties them to the models' outputs.
 *
 * Throws SoundstageError UNAVAILABLE where a class names an output that the models don't have: palette and models are
 * not of one release.
 */
export function readClasses(text: string, labels: PaletteLabels): PaletteClasses {
  const file = JSON.parse(text) as ClassesFile;
  const cocoIndex = (id: string, name: string): number => {
    const index = labels.coco.indexOf(name);
    if (index < 0) throw unknownLabel(id, name);
    return index;
  };
  const classes = file.classes.map((entry): SoundClass => {
    const imagenet = entry.imagenet.map(({ name, index, weight }) => {
      if (labels.imagenet[index] !== name) throw unknownLabel(entry.id, name);
      return { index, weight };
    });
    const coco = entry.coco.map(({ name, weight }) => ({ index: cocoIndex(entry.id, name), weight }));
    const together = (entry.together ?? []).map((each) => ({
      indices: each.coco.map((name) => cocoIndex(entry.id, name)),
      weight: each.weight,
    }));
    const { id, label, kind, family, keywords, fallbackTo, bands, crackle, grains } = entry;
    return {
      ...{ id, label, kind, family, group: groupOf(entry), voiced: entry.voiced ?? false, keywords },
      ...{ imagenet, coco, together, onFoot: entry.onFoot ?? 0, fallbackTo },
      noise:
        bands === undefined
          ? undefined
          : { bands, ...(crackle === undefined ? {} : { crackle }), ...(grains === undefined ? {} : { grains }) },
      modal: entry.modal === undefined ? undefined : readModalShape(entry.modal, `class ${id}`),
    };
  });
  const named = (id: string): SoundClass => {
    const found = classes.find((soundClass) => soundClass.id === id);
    if (found === undefined) throw unusable(`it has no class ${id}`);
    return found;
  };
  return {
    classes,
    neutral: named(file.neutral.struck),
    ambience: named(file.neutral.continuous),
    personIndex: labels.coco.indexOf('person'),
  };
}

function groupOf({ id, group }: ListedClass): SoundGroup {
  const known = GROUPS.find((each) => each === group);
  if (known === undefined) throw unusable(`class ${id} is of an unknown group, ${group}`);
  return known;
}

function unknownLabel(id: string, name: string): SoundstageError {
  return unusable(`class ${id} names "${name}", which no model's labels.json has in that place`);
}

function unusable(why: string): SoundstageError {
  return new SoundstageError(
    'UNAVAILABLE',
    `The palette's classes.json doesn't fit the models: ${why}. Restore both from one release.`,
    {
      retryable: false,
    },
  );
}

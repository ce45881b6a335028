import { SoundstageError } from '@soundstage/core';
import type { LabelWeight, Palette, SoundClass } from './palette.js';

/** The names of the models' outputs, in their order. */
export interface PaletteLabels {
  imagenet: readonly string[];
  coco: readonly string[];
}

interface ListedClass {
  id: string;
  kind: 'struck' | 'continuous';
  keywords: string[];
  imagenet: string[] | Record<string, number>;
  coco: string[] | Record<string, number>;
}

export function readClasses(text: string, labels: PaletteLabels): Pick<Palette, 'classes' | 'neutral' | 'ambience'> {
  const { classes: listed } = JSON.parse(text) as { classes: ListedClass[] };
  const classes = listed.map((entry): SoundClass => ({
    label: entry.id,
    kind: entry.kind,
    keywords: entry.keywords,
    imagenet: weights(entry.id, entry.imagenet, labels.imagenet),
    coco: weights(entry.id, entry.coco, labels.coco),
  }));
  const named = (label: string): SoundClass => classes.find((c) => c.label === label) as SoundClass;
  return { classes, neutral: named('neutral'), ambience: named('room') };
}

function weights(id: string, entries: string[] | Record<string, number>, names: readonly string[]): LabelWeight[] {
  const pairs = Array.isArray(entries) ? entries.map((name) => [name, 1] as const) : Object.entries(entries);
  return pairs.map(([name, weight]) => {
    const index = names.indexOf(name);
    if (index < 0)
      throw new SoundstageError('UNAVAILABLE', `classes.json: ${id} names "${name}", which no model knows.`, {
        retryable: false,
      });
    return { index, weight };
  });
}

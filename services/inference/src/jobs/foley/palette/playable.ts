import { SoundstageError } from '@soundstage/core';
import type { Palette } from './palette.js';
import type { SoundClass } from './sound-class.js';

/** The class itself, or, where it has nothing to sound with, the relative that stands in for it. */
export function playable(soundClass: SoundClass, palette: Palette): SoundClass {
  const tried = new Set<string>();
  for (let each: SoundClass | undefined = soundClass; each !== undefined && !tried.has(each.id);) {
    if (palette.soundsOf(each).length > 0) return each;
    tried.add(each.id);
    const { fallbackTo }: SoundClass = each;
    each = palette.classes.find(({ id }) => id === fallbackTo);
  }
  throw new SoundstageError(
    'UNAVAILABLE',
    `The palette has nothing for ${[...tried].join(', ')}: restore it from the release.`,
    { retryable: false },
  );
}

import { useEffect, useState } from 'preact/hooks';
import type { EditorStore } from '../editing/editor-store.js';
import { listSounds, type SoundClassJson } from './api.js';

const NONE: readonly SoundClassJson[] = [];

/** What there is to hear; nothing while it loads. */
export function usePalette(store: EditorStore): readonly SoundClassJson[] {
  const [classes, setClasses] = useState(NONE);
  useEffect(() => {
    listSounds().then(setClasses, (error: Error) => store.say(`The list of sounds can’t be loaded: ${error.message}`));
  }, [store]);
  return classes;
}

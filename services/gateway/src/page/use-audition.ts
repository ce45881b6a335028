import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { HitCue, LayerCue } from '@soundstage/cues';
import { audible } from '../editing/lanes.js';
import type { EditorStore } from '../editing/editor-store.js';
import { createAudition, type Audition } from './audition.js';

export interface AuditionControls {
  /** Plays one cue by itself, whatever the film does. */
  playOnce(cue: HitCue | LayerCue): void;
  figures(): ReturnType<Audition['figures']> | undefined;
}

/** What is edited, heard along the film as long as `on`. The audio graph is made when it is first needed. */
export function useAudition({
  store,
  video,
  on,
}: {
  store: EditorStore | undefined;
  video: HTMLVideoElement | undefined;
  on: boolean;
}): AuditionControls {
  const made = useRef<Audition>(undefined);
  const current = useRef(store);
  current.current = store;
  const audition = () =>
    (made.current ??= createAudition((message) => current.current?.say(`This sound can’t be heard now: ${message}`)));

  useEffect(() => () => made.current?.close(), []);
  useEffect(() => {
    if (!on || !store || !video) {
      made.current?.follow(undefined);
      return undefined;
    }
    const player = audition();
    let planned: unknown;
    let solo: unknown;
    const update = () => {
      const { history, solo: alone } = store.state();
      if (history.present === planned && alone === solo) return;
      [planned, solo] = [history.present, alone];
      player.setPlan({ ...audible(history.present, alone), seed: history.present.seed });
    };
    update();
    player.follow(video);
    return store.subscribe(update);
  }, [store, video, on]);

  return useMemo(
    () => ({
      playOnce(cue) {
        const { seed } = current.current!.state().history.present;
        audition()
          .playOnce(cue, seed)
          .catch(() => undefined); // it was told already
      },
      figures: () => made.current?.figures(),
    }),
    [],
  );
}

import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { HitCue, LayerCue } from '@soundstage/cues';
import { audible } from '../editing/lanes.js';
import { levelRatio } from '../editing/preview-level.js';
import type { EditorStore } from '../editing/editor-store.js';
import type { CandidateJson } from './api.js';
import { peaksOnce } from './peaks.js';
import { createAudition, type Audition } from './audition.js';

export interface AuditionControls {
  /** Plays one cue by itself, whatever the film does. */
  playOnce(cue: HitCue | LayerCue): void;
  figures(): ReturnType<Audition['figures']> | undefined;
}

/** What is edited, heard along the film as long as `on`. The audio graph is made when it is first needed. */
export function useAudition({
  store,
  candidate,
  durationS,
  video,
  on,
}: {
  store: EditorStore | undefined;
  /** What was rendered, to be as loud as it is. */
  candidate: CandidateJson | undefined;
  durationS: number;
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

  useEffect(() => {
    const url = candidate?.links.video;
    if (!on || !store || !url) return undefined;
    let left = false;
    const player = audition();
    const { rendered } = store.state();
    peaksOnce(url, candidate.video?.sizeBytes ?? 0)
      .then((peaks) => {
        const loudest = (fromS: number, toS: number) =>
          Math.max(...peaks.map((columns) => loudestBetween(columns, fromS / durationS, toS / durationS)));
        return levelRatio(rendered, loudest, (cue) => player.loudestOf(cue, rendered.seed));
      })
      .then((gain) => left || player.setLevel(gain))
      .catch(() => undefined); // heard at its own level then; what can't be loaded was told
    return () => {
      left = true;
    };
  }, [store, candidate, on]);

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

function loudestBetween(columns: Float32Array, from: number, to: number): number {
  const span = columns.subarray(Math.floor(from * columns.length), Math.ceil(to * columns.length));
  return span.reduce((loudest, peak) => Math.max(loudest, peak), 0);
}

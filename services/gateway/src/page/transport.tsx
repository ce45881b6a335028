import { useEffect, useState } from 'preact/hooks';
import type { EditorStore } from '../editing/editor-store.js';
import { clock } from './format.js';
import { BackIcon, ForwardIcon, PauseIcon, PlayIcon } from './icons.js';
import type { Playhead } from './playhead.js';

/** What is heard: the rendered soundtrack, a preview of the edits, or the original's own sound. */
export type Ear = 'new' | 'edit' | 'original';

const EARS: Record<Ear, string> = { new: 'Rendered', edit: 'Your edit', original: 'Original' };

interface TransportProps {
  playhead: Playhead;
  durationS: number;
  playing: boolean;
  ear: Ear;
  ears: readonly Ear[];
  store: EditorStore | undefined;
  onEar(ear: Ear): void;
  onToggle(): void;
  onSeek(timeS: number): void;
}

/** Play, the hit before and after, where the film is, and what is heard. */
export function Transport({ playhead, durationS, playing, ear, ears, store, ...on }: TransportProps) {
  const hits = () => store?.state().history.present.hits ?? [];
  const before = () => hits().findLast(({ timeS }) => timeS < playhead.at() - 0.15);
  const after = () => hits().find(({ timeS }) => timeS > playhead.at() + 0.02);
  const goTo = (hit: { timeS: number } | undefined, otherwise: number) => on.onSeek(hit?.timeS ?? otherwise);
  return (
    <div class="transport">
      <button class="transport-play" type="button" aria-label={playing ? 'Pause' : 'Play'} onClick={on.onToggle}>
        {playing ? <PauseIcon /> : <PlayIcon />}
      </button>
      <button type="button" aria-label={store ? 'Previous hit' : 'To the start'} onClick={() => goTo(before(), 0)}>
        <BackIcon />
      </button>
      <button type="button" aria-label={store ? 'Next hit' : 'To the end'} onClick={() => goTo(after(), durationS)}>
        <ForwardIcon />
      </button>
      <Clock playhead={playhead} durationS={durationS} />
      {ears.length > 1 && (
        <fieldset class="ears">
          <legend>Hear</legend>
          {ears.map((which) => (
            <label key={which}>
              <input type="radio" name="ear" value={which} checked={ear === which} onChange={() => on.onEar(which)} />
              <span>{EARS[which]}</span>
            </label>
          ))}
        </fieldset>
      )}
    </div>
  );
}

function Clock({ playhead, durationS }: { playhead: Playhead; durationS: number }) {
  const [shown, setShown] = useState(clock(playhead.at()));
  useEffect(() => playhead.subscribe((timeS) => setShown(clock(timeS))), [playhead]);
  return (
    <span class="transport-time">
      {shown} <span>/ {clock(durationS)}</span>
    </span>
  );
}

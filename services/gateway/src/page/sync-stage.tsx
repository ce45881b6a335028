import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JobJson } from './api.js';
import { clock } from './format.js';
import { PauseIcon, PlayIcon } from './icons.js';
import { pairPlayers } from './pair-players.js';
import { createPlayhead } from './playhead.js';

/** Seconds on either side of the place that is played again and again. */
const LOOP_S = 2;
type Heard = 'before' | 'after';

interface SyncStageProps {
  job: JobJson;
  /** Set here, for others to go to a place in the film. */
  seek: { current: ((timeS: number) => void) | undefined };
}

/** Before and after side by side on one clock; a switch says whose sound is heard. */
export function SyncStage({ job, seek }: SyncStageProps) {
  const { durationS } = job.syncResult!;
  const { source, result } = job.links;
  const [before, after] = [useRef<HTMLVideoElement>(null), useRef<HTMLVideoElement>(null)];
  const playhead = useMemo(() => createPlayhead(durationS), [job.id]);
  const [playing, setPlaying] = useState(false);
  const [heard, setHeard] = useState<Heard>(result ? 'after' : 'before');
  const [placeS, setPlaceS] = useState(0);
  const [broken, setBroken] = useState<Partial<Record<Heard, true>>>({});
  /** The middle of what is repeated. */
  const loopS = useRef<number>(undefined);
  const [looping, setLooping] = useState(false);

  useEffect(() => {
    const lead = after.current ?? before.current;
    if (!lead) return undefined;
    playhead.follow(lead);
    const changed = () => setPlaying(!lead.paused);
    for (const name of ['play', 'pause', 'ended']) lead.addEventListener(name, changed);
    const unpair = after.current && before.current ? pairPlayers(after.current, before.current) : undefined;
    const unsubscribe = playhead.subscribe((timeS) => {
      setPlaceS(timeS);
      const middleS = loopS.current;
      if (middleS === undefined || lead.paused || lead.seeking) return;
      if (timeS >= Math.min(durationS - 0.1, middleS + LOOP_S)) lead.currentTime = Math.max(0, middleS - LOOP_S);
    });
    return () => {
      for (const name of ['play', 'pause', 'ended']) lead.removeEventListener(name, changed);
      unpair?.();
      unsubscribe();
      playhead.follow(undefined);
    };
  }, [job.id]);

  useEffect(() => {
    if (before.current) before.current.muted = heard !== 'before';
    if (after.current) after.current.muted = heard !== 'after';
  }, [heard]);

  const lead = () => after.current ?? before.current;
  const goTo = (timeS: number) => {
    const to = Math.min(Math.max(timeS, 0), durationS);
    if (loopS.current !== undefined) loopS.current = to;
    const video = lead();
    if (video) video.currentTime = to;
    playhead.moveTo(to);
  };
  seek.current = goTo;
  const toggle = () => {
    const video = lead();
    // Refused by the browser, or a format that it can't play: the picture says so.
    if (video?.paused) void video.play().catch(() => undefined);
    else video?.pause();
  };
  const screen = (which: Heard, src: string, words: string) => (
    <figure class={`screen ${heard === which ? 'is-heard' : ''}`}>
      <video
        ref={which === 'before' ? before : after}
        src={src}
        playsInline
        muted={heard !== which}
        preload="auto"
        aria-label={words}
        onClick={toggle}
        onError={() => setBroken((known) => ({ ...known, [which]: true }))}
      />
      <figcaption>{words}</figcaption>
      {broken[which] && <p class="screen-broken">Your browser can’t play this format. Download it to watch it.</p>}
    </figure>
  );
  if (!source) return null;
  return (
    <section class="stage sync-stage" aria-label={result ? 'Before and after' : 'Player'}>
      <div class={`stage-pair ${result ? '' : 'stage-still'}`}>
        {screen('before', source, result ? 'Before' : 'As it came')}
        {result && screen('after', result, 'After the repair')}
      </div>
      <div class="strip">
        <input
          class="place-range"
          type="range"
          aria-label="Place in the film"
          min={0}
          max={durationS}
          step={0.04}
          value={placeS}
          aria-valuetext={clock(placeS)}
          onInput={(event) => goTo(Number(event.currentTarget.value))}
        />
        <div class="transport">
          <button class="transport-play" type="button" aria-label={playing ? 'Pause' : 'Play'} onClick={toggle}>
            {playing ? <PauseIcon /> : <PlayIcon />}
          </button>
          <span class="transport-time">
            {clock(placeS)} <span>/ {clock(durationS)}</span>
          </span>
          <label class="loop">
            <input
              type="checkbox"
              checked={looping}
              onChange={(event) => {
                setLooping(event.currentTarget.checked);
                loopS.current = event.currentTarget.checked ? playhead.at() : undefined;
              }}
            />
            Repeat {LOOP_S} s around this place
          </label>
          {result && (
            <fieldset class="ears">
              <legend>Hear</legend>
              {(['before', 'after'] as const).map((which) => (
                <label key={which}>
                  <input
                    type="radio"
                    name="ear"
                    value={which}
                    checked={heard === which}
                    onChange={() => setHeard(which)}
                  />
                  <span>{which === 'before' ? 'Before' : 'After'}</span>
                </label>
              ))}
            </fieldset>
          )}
        </div>
      </div>
    </section>
  );
}

import { useEffect, useRef, useState } from 'preact/hooks';
import type { JobJson } from './api.js';
import { clock } from './format.js';
import { BackIcon, ForwardIcon, PauseIcon, PlayIcon } from './icons.js';
import { pairPlayers } from './pair-players.js';
import { Timeline } from './timeline.js';

type Ear = 'new' | 'original';

/** The finished video beside the original, in step, under one set of controls; the ear chooses which of them is heard. */
export function Players({ job }: { job: JobJson }) {
  const result = job.result!;
  const lead = useRef<HTMLVideoElement>(null);
  const follower = useRef<HTMLVideoElement>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [ear, setEar] = useState<Ear>('new');
  const [broken, setBroken] = useState<Partial<Record<Ear, boolean>>>({});
  const total = result.durationS;

  useEffect(() => {
    if (!lead.current || !follower.current) return undefined;
    return pairPlayers(lead.current, follower.current);
  }, []);

  // timeupdate comes four times a second; a playhead must move with the picture.
  useEffect(() => {
    if (!playing) return undefined;
    let frame = requestAnimationFrame(function tick() {
      setAt(lead.current?.currentTime ?? 0);
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing]);

  useEffect(() => {
    if (lead.current) lead.current.muted = ear !== 'new';
    if (follower.current) follower.current.muted = ear !== 'original';
  }, [ear]);

  const seek = (seconds: number) => {
    const to = Math.min(Math.max(seconds, 0), total);
    if (lead.current) lead.current.currentTime = to;
    setAt(to);
  };
  const toggle = () => {
    const video = lead.current;
    if (!video) return;
    if (video.paused) void video.play().catch(() => setBroken((b) => ({ ...b, new: true })));
    else video.pause();
  };
  const times = result.onsets.map((onset) => onset.timeS);
  const before = times.findLast((time) => time < at - 0.15);
  const after = times.find((time) => time > at + 0.02);

  return (
    <section class="stage" aria-label="Player">
      <div class="stage-pair">
        <figure class={`screen ${ear === 'new' ? 'is-heard' : ''}`}>
          <video
            ref={lead}
            src={job.links.result}
            playsInline
            preload="auto"
            aria-label="The finished video"
            onClick={toggle}
            onPlay={() => setPlaying(true)}
            onPause={() => setPlaying(false)}
            onTimeUpdate={(event) => setAt(event.currentTarget.currentTime)}
            onError={() => setBroken((b) => ({ ...b, new: true }))}
          />
          <figcaption>With the new sound</figcaption>
          {broken.new && <p class="screen-broken">Your browser can’t play this format. Download it to watch it.</p>}
        </figure>
        {job.links.source && (
          <figure class={`screen ${ear === 'original' ? 'is-heard' : ''}`}>
            <video
              ref={follower}
              src={job.links.source}
              playsInline
              muted
              preload="auto"
              aria-label="The original video"
              onClick={toggle}
              onError={() => setBroken((b) => ({ ...b, original: true }))}
            />
            <figcaption>Original</figcaption>
            {broken.original && <p class="screen-broken">Your browser can’t play the original’s format.</p>}
          </figure>
        )}
      </div>

      <div class="strip">
        <Timeline job={job} media={lead} at={at} onSeek={seek} />
        <div class="transport">
          <button class="transport-play" type="button" aria-label={playing ? 'Pause' : 'Play'} onClick={toggle}>
            {playing ? <PauseIcon /> : <PlayIcon />}
          </button>
          <button
            class="transport-step"
            type="button"
            aria-label="Previous moment"
            disabled={before === undefined}
            onClick={() => seek(before!)}
          >
            <BackIcon />
          </button>
          <button
            class="transport-step"
            type="button"
            aria-label="Next moment"
            disabled={after === undefined}
            onClick={() => seek(after!)}
          >
            <ForwardIcon />
          </button>
          <span class="transport-time">
            {clock(at)} <span>/ {clock(total)}</span>
          </span>
          {job.links.source && (
            <fieldset class="ears">
              <legend>Hear</legend>
              {(['new', 'original'] as const).map((which) => (
                <label key={which}>
                  <input type="radio" name="ear" value={which} checked={ear === which} onChange={() => setEar(which)} />
                  <span>{which === 'new' ? 'New sound' : 'Original sound'}</span>
                </label>
              ))}
            </fieldset>
          )}
        </div>
      </div>
    </section>
  );
}

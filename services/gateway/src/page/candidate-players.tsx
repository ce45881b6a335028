import { useEffect, useRef, useState } from 'preact/hooks';
import type { JobJson } from './api.js';

interface CandidatePlayersProps {
  job: JobJson;
  /** From 0. */
  chosen: number;
  heard: boolean;
  /** The player whose clock rules. */
  onLead(video: HTMLVideoElement): void;
  onToggle(): void;
}

/**
 * The finished videos of all candidates, one on another; only the chosen one is seen and heard. Another one begins
 * where the one before is, and that goes on until the new one plays, so that two can be compared in the same moment.
 */
export function CandidatePlayers({ job, chosen, heard, onLead, onToggle }: CandidatePlayersProps) {
  const { candidates } = job.result!;
  const videos = useRef<(HTMLVideoElement | null)[]>([]);
  const [shown, setShown] = useState(0);
  const [broken, setBroken] = useState(false);

  useEffect(() => {
    const next = videos.current[chosen];
    const before = videos.current[shown];
    if (!next) return undefined;
    if (!before || before === next) {
      setShown(chosen);
      onLead(next);
      return undefined;
    }
    const take = () => {
      next.muted = before.muted;
      before.pause();
      before.muted = true;
      setShown(chosen);
      onLead(next);
    };
    next.playbackRate = before.playbackRate;
    next.currentTime = before.currentTime;
    if (before.paused) {
      take();
      return undefined;
    }
    next.muted = true;
    next.addEventListener('playing', take, { once: true });
    next.play().catch(take);
    return () => next.removeEventListener('playing', take);
  }, [chosen]);

  const several = candidates.length > 1;
  return (
    <figure class={`screen ${heard ? 'is-heard' : ''}`}>
      <div class="screen-stack">
        {candidates.map(({ links }, index) => (
          <video
            key={index}
            ref={(video) => void (videos.current[index] = video)}
            class={index === shown ? '' : 'is-behind'}
            src={links.video ?? job.links.source}
            playsInline
            muted={!links.video || index !== 0}
            preload={index < 2 || index === chosen ? 'auto' : 'metadata'}
            aria-label={several ? `The finished video, candidate ${index + 1}` : 'The finished video'}
            aria-hidden={index !== shown}
            onClick={onToggle}
            onError={() => setBroken(true)}
          />
        ))}
      </div>
      <figcaption>{several ? `Candidate ${chosen + 1} of ${candidates.length}` : 'With the new sound'}</figcaption>
      {broken && <p class="screen-broken">Your browser can’t play this format. Download it to watch it.</p>}
    </figure>
  );
}

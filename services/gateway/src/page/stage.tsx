import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JobJson } from './api.js';
import { CandidatePlayers } from './candidate-players.js';
import { CandidateCards } from './candidate-cards.js';
import { CueEditor } from './cue-editor.js';
import { pairPlayers } from './pair-players.js';
import { Transport, type Ear } from './transport.js';
import { useCueEditor } from './use-cue-editor.js';
import { useAudition } from './use-audition.js';
import { createPlayhead } from './playhead.js';

export interface StageProps {
  job: JobJson;
  /** A new job that was started from here. */
  onJob(jobId: string): void;
  onMore(count: number): void;
}

/** The finished video beside the original, its candidates, and the cue sheet under them, all on one clock. */
export function Stage({ job, onJob, onMore }: StageProps) {
  const { candidates, durationS } = job.result!;
  const [chosen, setChosen] = useState(0);
  const [lead, setLead] = useState<HTMLVideoElement>();
  const follower = useRef<HTMLVideoElement>(null);
  const [playing, setPlaying] = useState(false);
  const [ear, setEar] = useState<Ear>('new');
  const playhead = useMemo(() => createPlayhead(durationS), [job.id]);
  const editor = useCueEditor(job, chosen);
  const handle = typeof editor === 'object' ? editor : undefined;
  const audition = useAudition({
    store: handle?.store,
    candidate: candidates[chosen],
    durationS,
    video: lead,
    on: ear === 'edit',
  });
  /** A net gives no cue sheet. */
  const hasCues = candidates[chosen]?.links.cues !== undefined;
  const isImage = job.request?.source?.mediaType.startsWith('image/') ?? false;

  useEffect(() => {
    playhead.follow(lead);
    if (!lead) return undefined;
    const changed = () => setPlaying(!lead.paused);
    changed();
    const events = ['play', 'pause', 'ended'];
    for (const name of events) lead.addEventListener(name, changed);
    const unpair = follower.current ? pairPlayers(lead, follower.current) : () => undefined;
    return () => {
      for (const name of events) lead.removeEventListener(name, changed);
      unpair();
    };
  }, [lead]);
  useEffect(() => () => playhead.follow(undefined), []);

  useEffect(() => {
    if (lead) lead.muted = ear !== 'new';
    if (follower.current) follower.current.muted = ear !== 'original';
  }, [ear, lead]);

  const seek = useCallback(
    (timeS: number) => {
      const to = Math.min(Math.max(timeS, 0), durationS);
      if (lead) lead.currentTime = to;
      playhead.moveTo(to);
    },
    [lead],
  );
  const toggle = useCallback(() => {
    if (!lead) return;
    // Refused by the browser, or a format that it can't play: the picture says so.
    if (lead.paused) void lead.play().catch(() => undefined);
    else lead.pause();
  }, [lead]);

  /** A is for the ear what 1 is for the hand: the same moment of another candidate. */
  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      target.matches('input:not([type=range]):not([type=radio]), select')
    )
      return;
    const number = /^[1-8]$/.test(event.key) ? Number(event.key) : 0;
    if (number === 0 || number > candidates.length || candidates.length === 1) return;
    event.preventDefault();
    setChosen(number - 1);
    // The editor of the candidate before goes away, and with it what has the keyboard.
    (event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('input[name=candidate]')[number - 1]?.focus();
  };

  return (
    <section
      class="stage"
      aria-label={hasCues ? 'Player and cue sheet' : 'Player'}
      data-candidate={chosen + 1}
      onKeyDown={onKeyDown}
    >
      <div class={`stage-pair ${isImage ? 'stage-still' : ''}`}>
        <CandidatePlayers job={job} chosen={chosen} heard={ear !== 'original'} onLead={setLead} onToggle={toggle} />
        {job.links.source && !isImage && (
          <Original src={job.links.source} heard={ear === 'original'} video={follower} onToggle={toggle} />
        )}
        {job.links.source && isImage && (
          <figure class="screen">
            <img src={job.links.source} alt="The image that was uploaded" />
            <figcaption>The image</figcaption>
          </figure>
        )}
      </div>
      <div class="strip">
        <CandidateCards job={job} chosen={chosen} onChoose={setChosen} onMore={onMore} />
        <Transport
          playhead={playhead}
          durationS={durationS}
          playing={playing}
          ear={ear}
          ears={[
            ...(candidates[0]?.video ? ['new' as const] : []),
            ...(hasCues ? ['edit' as const] : []),
            ...(isImage ? [] : ['original' as const]),
          ]}
          store={handle?.store}
          onEar={setEar}
          onToggle={toggle}
          onSeek={seek}
        />
        {hasCues && (
          <CueEditor
            key={`${job.id}-${chosen}`}
            job={job}
            candidate={chosen}
            handle={editor}
            media={lead}
            playhead={playhead}
            audition={audition}
            previewing={ear === 'edit'}
            onSeek={seek}
            onToggle={toggle}
            onEdited={() => setEar('edit')}
            onAsRendered={() => setEar(candidates[chosen]?.video ? 'new' : 'edit')}
            onJob={onJob}
          />
        )}
      </div>
    </section>
  );
}

interface OriginalProps {
  src: string;
  heard: boolean;
  video: { current: HTMLVideoElement | null };
  onToggle(): void;
}

function Original({ src, heard, video, onToggle }: OriginalProps) {
  const [broken, setBroken] = useState(false);
  return (
    <figure class={`screen ${heard ? 'is-heard' : ''}`}>
      <video
        ref={video}
        src={src}
        playsInline
        muted
        preload="auto"
        aria-label="The original video"
        onClick={onToggle}
        onError={() => setBroken(true)}
      />
      <figcaption>Original</figcaption>
      {broken && <p class="screen-broken">Your browser can’t play the original’s format.</p>}
    </figure>
  );
}

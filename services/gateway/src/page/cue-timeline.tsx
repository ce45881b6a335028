import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { EditorState } from '../editing/editor-store.js';
import { hitLanes } from '../editing/lanes.js';
import {
  contentPx,
  resized,
  rulerMarks,
  scrolled,
  showing,
  toTimeS,
  toX,
  zoomed,
  type TimeScale,
} from '../editing/time-scale.js';
import type { CandidateJson } from './api.js';
import type { Editing } from './editing.js';
import { clock } from './format.js';
import { HitLanes } from './hit-lanes.js';
import { LaneHeads } from './lane-heads.js';
import { LayerLane } from './layer-lane.js';
import { Waveform } from './waveform.js';

const WAVE_PX = 72;
/** A wheel's notch, about 100 pixels, zooms by a fifth. */
const WHEEL_ZOOM = 0.002;

interface CueTimelineProps {
  editing: Editing;
  state: EditorState;
  candidate: CandidateJson;
  scale: TimeScale;
  media: HTMLVideoElement | undefined;
  onScale(change: (scale: TimeScale) => TimeScale): void;
}

/** The waveform, under it a lane for each class of hits and one for each layer, all on one scale. */
export function CueTimeline({ editing, state, candidate, scale, media, onScale }: CueTimelineProps) {
  const { playhead, durationS } = editing;
  const view = useRef<HTMLDivElement>(null);
  const sheet = state.history.present;
  const lanes = useMemo(() => hitLanes(sheet.hits), [sheet.hits]);
  const width = contentPx(scale);

  useLayoutEffect(() => {
    const element = view.current!;
    const measure = () => onScale((s) => resized(s, element.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // Scrolled by zooming, or to follow: the browser's own scrolling has told already.
  useLayoutEffect(() => {
    const element = view.current!;
    if (Math.abs(element.scrollLeft - scale.scrollPx) > 1) element.scrollLeft = scale.scrollPx;
  }, [scale]);

  useEffect(
    () =>
      playhead.subscribe((timeS) => {
        if (media && !media.paused) onScale((s) => showing(s, timeS));
      }),
    [playhead, media],
  );
  // What is selected by key must be seen.
  const focusedS =
    state.selection.kind === 'hits'
      ? sheet.hits.find(({ id }) => state.selection.kind === 'hits' && id === state.selection.focusId)?.timeS
      : undefined;
  useEffect(() => {
    if (focusedS !== undefined) onScale((s) => showing(s, focusedS));
  }, [state.focusTick]);

  useEffect(() => {
    const element = view.current!;
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { left } = element.getBoundingClientRect();
      onScale((s) => zoomed(s, Math.exp(-event.deltaY * WHEEL_ZOOM), event.clientX - left));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);

  return (
    <div class="cue-timeline">
      <LaneHeads editing={editing} state={state} lanes={lanes} wavePx={WAVE_PX} />
      <div
        class="cue-view"
        ref={view}
        onScroll={(event) => {
          const { scrollLeft } = event.currentTarget;
          onScale((s) => (Math.abs(s.scrollPx - scrollLeft) > 1 ? scrolled(s, scrollLeft) : s));
        }}
      >
        <div class="cue-content" style={{ width: `${width}px` }}>
          <Ruler scale={scale} editing={editing} />
          <div class="cue-wave" style={{ height: `${WAVE_PX}px` }}>
            <div class="cue-sticky" style={{ width: `${scale.viewPx}px` }}>
              {candidate.links.video ? (
                <Waveform
                  url={candidate.links.video}
                  sizeBytes={candidate.video?.sizeBytes ?? 0}
                  durationS={durationS}
                  heightPx={WAVE_PX}
                  zoom={{ pxPerS: scale.pxPerS, scrollPx: scale.scrollPx }}
                />
              ) : (
                <span class="timeline-note">Nothing is rendered yet.</span>
              )}
            </div>
            <Position editing={editing} media={media} />
          </div>
          <HitLanes editing={editing} state={state} lanes={lanes} scale={scale} />
          {sheet.layers.map((layer) => (
            <LayerLane key={layer.id} editing={editing} state={state} layer={layer} scale={scale} />
          ))}
          {lanes.length + sheet.layers.length === 0 && (
            <p class="cue-empty">Nothing sounds here yet: press a to add a hit at the playhead.</p>
          )}
          <Head editing={editing} scale={scale} />
        </div>
      </div>
    </div>
  );
}

/** Seconds above the waveform, as many as have room. A click goes there. */
function Ruler({ scale, editing }: { scale: TimeScale; editing: Editing }) {
  return (
    <div
      class="ruler"
      aria-hidden="true"
      onPointerDown={(event) => {
        const { left } = event.currentTarget.getBoundingClientRect();
        editing.seek(toTimeS(scale, event.clientX - left));
      }}
    >
      {rulerMarks(scale).map(({ timeS, label }) => (
        <span key={label} style={{ left: `${toX(scale, timeS)}px` }}>
          {label}
        </span>
      ))}
    </div>
  );
}

/** The native slider lies over the waveform: it is sought with a click, and by keys. */
function Position({ editing, media }: { editing: Editing; media: HTMLVideoElement | undefined }) {
  const { playhead, durationS } = editing;
  const range = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const element = range.current!;
    const show = (timeS: number) => {
      element.value = String(timeS);
      element.setAttribute('aria-valuetext', `${clock(timeS)} of ${clock(durationS)}`);
    };
    show(playhead.at());
    return playhead.subscribe(show);
  }, [playhead, durationS]);
  const seek = (timeS: number) => {
    const to = Math.min(Math.max(timeS, 0), durationS);
    if (media) media.currentTime = to;
    playhead.moveTo(to);
  };
  return (
    <input
      ref={range}
      class="timeline-range"
      type="range"
      min={0}
      max={durationS}
      step={0.001}
      aria-label="Position"
      onInput={(event) => seek(Number(event.currentTarget.value))}
      onKeyDown={(event) => {
        // The native step of a thousandth is for the mouse; a key moves a quarter second.
        const direction = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
        if (!direction) return;
        event.preventDefault();
        seek(playhead.at() + direction * 0.25);
      }}
    />
  );
}

/** The playhead, moved at each frame without redrawing the lanes. */
function Head({ editing, scale }: { editing: Editing; scale: TimeScale }) {
  const head = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = head.current!;
    const show = (timeS: number) => (element.style.transform = `translateX(${toX(scale, timeS)}px)`);
    show(editing.playhead.at());
    return editing.playhead.subscribe(show);
  }, [editing.playhead, scale]);
  return <div class="timeline-head" aria-hidden="true" ref={head} />;
}

import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import WaveSurfer from 'wavesurfer.js';
import type { JobJson } from './api.js';
import { clock } from './format.js';
import { OnsetMarks } from './onset-marks.js';
import { readPeaks } from './peaks.js';

const NONCE = document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? '';
const HEIGHT_PX = 84;

interface TimelineProps {
  job: JobJson;
  media: RefObject<HTMLVideoElement | null>;
  at: number;
  onSeek(seconds: number): void;
}

/** The new sound over time: its waveform, the moments that were found, and the playhead. */
export function Timeline({ job, media, at, onSeek }: TimelineProps) {
  const { durationS, onsets, video } = job.result!;
  const wave = useRef<HTMLDivElement>(null);
  const [note, setNote] = useState('Drawing the waveform…');

  useEffect(() => {
    const container = wave.current;
    if (!container || !job.links.result) return undefined;
    const abort = new AbortController();
    let drawn: WaveSurfer | undefined;
    readPeaks(job.links.result, video?.sizeBytes ?? 0, abort.signal).then(
      (peaks) => {
        if (abort.signal.aborted) return;
        const style = getComputedStyle(container);
        drawn = WaveSurfer.create({
          container,
          peaks,
          duration: durationS,
          height: HEIGHT_PX,
          waveColor: style.getPropertyValue('--wave'),
          progressColor: style.getPropertyValue('--wave'),
          cursorWidth: 0,
          normalize: true,
          interact: false,
          hideScrollbar: true,
          cspNonce: NONCE,
        });
        setNote('');
      },
      (error: Error) => abort.signal.aborted || setNote(error.message),
    );
    return () => {
      abort.abort();
      drawn?.destroy();
    };
  }, [job.id]);

  const percentAt = `${durationS > 0 ? (100 * at) / durationS : 0}%`;
  return (
    <div class="timeline">
      <OnsetMarks onsets={onsets} durationS={durationS} at={at} onSeek={onSeek} />
      <div class="timeline-wave">
        <div ref={wave} class="timeline-canvas" aria-hidden="true" />
        {note && <p class="timeline-note">{note}</p>}
        <input
          class="timeline-range"
          type="range"
          min={0}
          max={durationS}
          step={0.01}
          value={at}
          aria-label="Position"
          aria-valuetext={`${clock(at)} of ${clock(durationS)}`}
          onInput={(event) => onSeek(Number(event.currentTarget.value))}
          onKeyDown={(event) => {
            // The native step of a hundredth is for the mouse; a key moves a quarter second.
            const direction = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
            if (!direction) return;
            event.preventDefault();
            onSeek((media.current?.currentTime ?? at) + direction * 0.25);
          }}
        />
      </div>
      <div class="timeline-head" aria-hidden="true" style={{ left: percentAt }} />
      <Ruler durationS={durationS} />
    </div>
  );
}

/** Seconds under the waveform, as many as have room. */
function Ruler({ durationS }: { durationS: number }) {
  const step = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600].find((s) => durationS / s <= 10) ?? 1200;
  const ticks = Array.from({ length: Math.floor(durationS / step) + 1 }, (_, i) => i * step);
  return (
    <div class="ruler" aria-hidden="true">
      {ticks.map((tick) => (
        <span key={tick} style={{ left: `${(100 * tick) / durationS}%` }}>
          {step < 60 ? `${tick}s` : `${tick / 60}m`}
        </span>
      ))}
    </div>
  );
}

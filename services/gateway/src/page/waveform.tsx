import { useEffect, useRef, useState } from 'preact/hooks';
import WaveSurfer from 'wavesurfer.js';
import { peaksOnce } from './peaks.js';

const NONCE = document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? '';

interface WaveformProps {
  url: string;
  sizeBytes: number;
  durationS: number;
  heightPx: number;
  /** Absent: the whole film in the width that there is. */
  zoom?: { pxPerS: number; scrollPx: number };
}

/** The loudness of a sound over time, for the eye alone. */
export function Waveform({ url, sizeBytes, durationS, heightPx, zoom }: WaveformProps) {
  const container = useRef<HTMLDivElement>(null);
  const drawn = useRef<WaveSurfer>(undefined);
  const [note, setNote] = useState('Drawing the waveform…');
  // The window may have another width by the time that the sound is decoded.
  const latest = useRef(zoom);
  latest.current = zoom;

  useEffect(() => {
    let left = false;
    peaksOnce(url, sizeBytes).then(
      (peaks) => {
        if (left || !container.current) return;
        const colour = getComputedStyle(container.current).getPropertyValue('--wave');
        drawn.current = WaveSurfer.create({
          container: container.current,
          peaks,
          duration: durationS,
          height: heightPx,
          waveColor: colour,
          progressColor: colour,
          cursorWidth: 0,
          normalize: true,
          interact: false,
          hideScrollbar: true,
          autoScroll: false,
          autoCenter: false,
          ...(latest.current ? { minPxPerSec: latest.current.pxPerS } : {}),
          cspNonce: NONCE,
        });
        if (latest.current) drawn.current.setScroll(latest.current.scrollPx);
        setNote('');
      },
      (error: Error) => left || setNote(error.message),
    );
    return () => {
      left = true;
      drawn.current?.destroy();
      drawn.current = undefined;
    };
  }, [url]);

  useEffect(() => {
    if (!zoom || !drawn.current) return;
    // Nothing to zoom where nothing was decoded.
    if (drawn.current.options.minPxPerSec !== zoom.pxPerS) drawn.current.zoom(zoom.pxPerS);
    drawn.current.setScroll(zoom.scrollPx);
  }, [zoom?.pxPerS, zoom?.scrollPx]);

  return (
    <span class="waveform" aria-hidden="true">
      <span ref={container} class="timeline-canvas" style={{ height: `${heightPx}px` }} />
      {note && <span class="timeline-note">{note}</span>}
    </span>
  );
}

import { useEffect, useState } from 'preact/hooks';

/** Of most films; kept until two frames were seen. */
const USUAL_S = 1 / 25;
const SEEN = 12;

/** How long a frame of this film is, seconds: the least distance of two frames while it plays. */
export function useFrameLength(video: HTMLVideoElement | undefined): number {
  const [frameS, setFrameS] = useState(USUAL_S);
  useEffect(() => {
    if (!video || !('requestVideoFrameCallback' in video)) return undefined;
    let [last, least, count] = [NaN, Infinity, 0];
    let handle = video.requestVideoFrameCallback(function seen(_now, { mediaTime }) {
      const apart = mediaTime - last;
      last = mediaTime;
      if (!video.paused && apart > 0.004 && apart < 0.2) {
        least = Math.min(least, apart);
        count++;
      }
      if (count >= SEEN) return setFrameS(least);
      handle = video.requestVideoFrameCallback(seen);
    });
    return () => video.cancelVideoFrameCallback(handle);
  }, [video]);
  return frameS;
}

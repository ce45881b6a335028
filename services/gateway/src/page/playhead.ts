/** Where the film is, told at each frame while it plays, without redrawing the page for it. */
export interface Playhead {
  at(): number;
  follow(video: HTMLVideoElement | undefined): void;
  /** Ahead of the player, which takes a while to seek. */
  moveTo(timeS: number): void;
  subscribe(listener: (timeS: number) => void): () => void;
}

export function createPlayhead(durationS: number): Playhead {
  let video: HTMLVideoElement | undefined;
  let timeS = 0;
  let frame = 0;
  const listeners = new Set<(timeS: number) => void>();
  const tell = (next: number) => {
    timeS = Math.min(Math.max(next, 0), durationS);
    for (const listener of listeners) listener(timeS);
  };
  // timeupdate comes four times a second; a playhead must move with the picture.
  const run = () => {
    cancelAnimationFrame(frame);
    if (!video) return;
    tell(video.currentTime);
    if (!video.paused) frame = requestAnimationFrame(run);
  };
  const events = ['play', 'pause', 'seeked', 'timeupdate'];
  return {
    at: () => (video && !video.paused ? video.currentTime : timeS),
    follow(next) {
      for (const name of events) video?.removeEventListener(name, run);
      cancelAnimationFrame(frame);
      video = next;
      for (const name of events) video?.addEventListener(name, run);
      if (video && !video.paused) run();
    },
    moveTo: tell,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

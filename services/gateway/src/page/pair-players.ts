/** A follower that is so far off is put right; less than two frames at 25 fps can't be seen. */
const DRIFT_S = 0.08;

/**
 * Makes one player follow another: play, pause, seek, rate. The lead's clock rules; a follower that can't play (an
 * unknown codec) is left alone.
 *
 * @returns a function that ends it
 */
export function pairPlayers(lead: HTMLVideoElement, follower: HTMLVideoElement): () => void {
  const usable = () => follower.error === null && follower.readyState > 0;
  const align = () => {
    if (!usable()) return;
    const target = Math.min(lead.currentTime, follower.duration || lead.currentTime);
    if (Math.abs(follower.currentTime - target) > (lead.paused ? 0.001 : DRIFT_S)) follower.currentTime = target;
  };
  const play = () => {
    if (!usable()) return;
    align();
    follower.playbackRate = lead.playbackRate;
    // Refused by the browser or interrupted by a pause: the lead goes on alone.
    follower.play().catch(() => undefined);
  };
  const pause = () => {
    follower.pause();
    align();
  };
  const events: [string, () => void][] = [
    ['playing', play],
    ['pause', pause],
    ['waiting', () => follower.pause()],
    ['seeking', align],
    ['seeked', align],
    ['timeupdate', align],
    ['ratechange', () => (follower.playbackRate = lead.playbackRate)],
  ];
  for (const [name, handle] of events) lead.addEventListener(name, handle);
  follower.addEventListener('loadedmetadata', align);
  return () => {
    for (const [name, handle] of events) lead.removeEventListener(name, handle);
    follower.removeEventListener('loadedmetadata', align);
  };
}

/// <reference lib="dom" />
// Runs in the report, inlined into it: it may import nothing.

interface Grid {
  id: string;
  columns: number;
  rows: number;
  cells: string;
  firstMs: number;
  lastMs: number;
}

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T | null;
const { durationS, maps, segments } = JSON.parse(byId('map-data')!.textContent) as {
  durationS: number;
  maps: Grid[];
  segments: [number, number][];
};
const NOTHING = 255;
const MOST_LEVEL = 254;
const LOOP_S = 2;
const FRAME_S = 0.04;
/** Two pictures may lie so far apart before the one that isn't heard is brought up: first by its speed, then by a jump. */
const DRIFT_S = 0.02;
const JUMP_S = 0.3;

const clock = (timeS: number): string => {
  const hundredths = Math.round(timeS * 100);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [
    Math.floor(hundredths / 360_000),
    Math.floor(hundredths / 6000) % 60,
    hundredths % 6000,
  ];
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(Math.floor(rest / 100))}.${two(rest % 100)}`;
};
const lateness = (ms: number): string => {
  const whole = Math.round(ms);
  if (whole === 0) return '0 ms';
  const amount = Math.abs(whole) < 1000 ? `${Math.abs(whole)} ms` : `${(Math.abs(whole) / 1000).toFixed(2)} s`;
  return `${amount} ${whole > 0 ? 'late' : 'early'}`;
};

/* The maps. */

/** From the film's black over the cyan of a sound track to white. */
const STOPS: [at: number, red: number, green: number, blue: number][] = [
  [0, 13, 23, 25],
  [0.3, 18, 52, 60],
  [0.6, 24, 110, 122],
  [0.85, 79, 209, 219],
  [1, 240, 255, 252],
];

const COLOURS = Array.from({ length: MOST_LEVEL + 1 }, (_, level) => {
  const value = level / MOST_LEVEL;
  const next = Math.max(
    1,
    STOPS.findIndex(([at]) => at >= value),
  );
  const [from, to] = [STOPS[next - 1]!, STOPS[next]!];
  const part = (value - from[0]) / (to[0] - from[0]);
  return [1, 2, 3].map((i) => Math.round(from[i]! + (to[i]! - from[i]!) * part));
});

const cellsOf = new Map<string, Uint8Array>();

for (const grid of maps) {
  const { id, columns, rows } = grid;
  const cells = Uint8Array.from(atob(grid.cells), (letter) => letter.charCodeAt(0));
  cellsOf.set(id, cells);
  const canvas = document.querySelector<HTMLCanvasElement>(`[data-map="${id}"] canvas`)!;
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(columns, rows);
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      const level = cells[column * rows + row]!;
      if (level === NOTHING) continue; // stays transparent
      // The latest offset is on top.
      const at = ((rows - 1 - row) * columns + column) * 4;
      image.data.set([...COLOURS[level]!, 255], at);
    }
  }
  context.putImageData(image, 0, 0);
}

const shownMap = (): Grid | undefined => {
  const id = document.querySelector<HTMLInputElement>('input[name=map]:checked')?.value ?? 'before';
  return maps.find((grid) => grid.id === id);
};

function bestAt(timeS: number): string {
  const grid = shownMap();
  if (!grid) return 'nothing was measured';
  const cells = cellsOf.get(grid.id)!;
  const first = Math.min(grid.columns - 1, Math.floor((timeS / durationS) * grid.columns)) * grid.rows;
  let best = -1;
  for (let row = 0; row < grid.rows; row++) {
    const level = cells[first + row]!;
    if (level !== NOTHING && (best < 0 || level > cells[first + best]!)) best = row;
  }
  if (best < 0) return 'nothing was measured here';
  const offsetMs = grid.firstMs + (best / Math.max(1, grid.rows - 1)) * (grid.lastMs - grid.firstMs);
  return `agrees best at ${lateness(offsetMs)}`;
}

for (const choice of document.querySelectorAll<HTMLInputElement>('input[name=map]'))
  choice.addEventListener('change', () => {
    for (const each of document.querySelectorAll<HTMLElement>('[data-map]'))
      each.hidden = each.dataset.map !== choice.value;
    showPlace(place);
  });

/* The place in the film, and the players. */

const slider = byId('place')!;
const playhead = slider.querySelector<HTMLElement>('.playhead')!;
const [readout, now, play, loop] = [byId('readout')!, byId('now'), byId('play'), byId<HTMLInputElement>('loop')];
const videos = [...document.querySelectorAll<HTMLVideoElement>('.screen video')];
let place = 0;
let loopS = 0;
let playing = false;
let heard = videos[0];

function showPlace(timeS: number): void {
  place = Math.max(0, Math.min(durationS, timeS));
  playhead.style.left = `${(place / durationS) * 100}%`;
  const words = `${clock(place)}, ${bestAt(place)}`;
  slider.setAttribute('aria-valuenow', place.toFixed(2));
  slider.setAttribute('aria-valuetext', words);
  readout.textContent = words;
  if (now) now.textContent = clock(place);
}

function seek(video: HTMLVideoElement, timeS: number): void {
  if (video.readyState > 0) video.currentTime = Math.min(timeS, video.duration || timeS);
  // A time that is set before the file is open would be lost.
  else video.addEventListener('loadedmetadata', () => (video.currentTime = place), { once: true });
}

function goTo(timeS: number): void {
  showPlace(timeS);
  loopS = place;
  for (const video of videos) seek(video, place);
}

function listenTo(id: string): void {
  heard = videos.find((video) => video.id === `video-${id}`) ?? videos[0];
  for (const video of videos) {
    video.muted = video !== heard;
    video.playbackRate = 1;
    const mark = video.parentElement!.querySelector<HTMLElement>('.heard-mark')!;
    mark.hidden = video !== heard || videos.length === 1;
  }
  const choice = document.querySelector<HTMLInputElement>(`input[name=heard][value="${id}"]`);
  if (choice) choice.checked = true;
}

/** The picture that isn't heard follows: a change of its speed can't be seen, a jump can. */
function follow(): void {
  for (const video of videos) {
    if (video === heard || video.readyState < 2 || video.ended || heard!.seeking || video.seeking) continue;
    const behindS = heard!.currentTime - video.currentTime;
    if (Math.abs(behindS) > JUMP_S) video.currentTime = heard!.currentTime;
    video.playbackRate = Math.abs(behindS) > DRIFT_S ? 1 + Math.max(-0.2, Math.min(0.2, behindS)) : 1;
  }
}

function tick(): void {
  if (!playing || !heard) return;
  if (!heard.seeking) showPlace(heard.currentTime);
  if (loop!.checked && !heard.seeking && (place >= Math.min(durationS, loopS + LOOP_S) || heard.ended)) {
    const centre = loopS;
    goTo(Math.max(0, centre - LOOP_S));
    loopS = centre;
    start();
  } else if (heard.ended) return pause();
  follow();
  requestAnimationFrame(tick);
}

function start(): void {
  for (const video of videos) void video.play().catch(() => undefined);
}

function pause(): void {
  playing = false;
  for (const video of videos) video.pause();
  play!.textContent = 'Play';
  play!.setAttribute('aria-pressed', 'false');
  // Both stand at the same frame again.
  for (const video of videos) if (video !== heard) seek(video, place);
}

function playOrPause(): void {
  if (playing) return pause();
  if (place >= durationS - 0.05) goTo(0);
  playing = true;
  play!.textContent = 'Pause';
  play!.setAttribute('aria-pressed', 'true');
  start();
  requestAnimationFrame(tick);
}

for (const video of videos) video.addEventListener('error', () => (byId('unplayable')!.hidden = false));
play?.addEventListener('click', playOrPause);
loop?.addEventListener('change', () => (loopS = place));
for (const choice of document.querySelectorAll<HTMLInputElement>('input[name=heard]'))
  choice.addEventListener('change', () => listenTo(choice.value));
for (const button of document.querySelectorAll<HTMLElement>('[data-jump]'))
  button.addEventListener('click', () => {
    goTo(Number(button.dataset.jump));
    byId('players')!.scrollIntoView({ block: 'nearest' });
  });

const timeAt = (event: PointerEvent) => {
  const { left, width } = slider.getBoundingClientRect();
  return ((event.clientX - left) / width) * durationS;
};
slider.addEventListener('pointerdown', (event) => {
  slider.setPointerCapture(event.pointerId);
  goTo(timeAt(event));
});
slider.addEventListener('pointermove', (event) => {
  if (slider.hasPointerCapture(event.pointerId)) goTo(timeAt(event));
});

function goToSegment(step: 1 | -1): void {
  const starts = segments.map(([startS]) => startS);
  const next =
    step > 0 ? starts.find((startS) => startS > place + 0.05) : starts.findLast((startS) => startS < place - 0.5);
  if (next !== undefined) goTo(next);
}

const far = Math.max(1, durationS / 10);
const onSlider: Record<string, () => void> = {
  ArrowUp: () => goTo(place + 1),
  ArrowDown: () => goTo(place - 1),
  PageUp: () => goTo(place + far),
  PageDown: () => goTo(place - far),
  Home: () => goTo(0),
  End: () => goTo(durationS),
};
const anywhere: Record<string, () => void> = {
  ArrowRight: () => goTo(place + 1),
  ArrowLeft: () => goTo(place - 1),
  '.': () => goTo(place + FRAME_S),
  ',': () => goTo(place - FRAME_S),
  n: () => goToSegment(1),
  p: () => goToSegment(-1),
};
const withPlayers: Record<string, () => void> = {
  ' ': playOrPause,
  l: () => loop!.click(),
  b: () => listenTo(heard === videos[0] ? 'after' : 'before'),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const at = event.target as HTMLElement;
  if (event.key === ' ' && at.matches('button, summary, input, a')) return;
  if (event.key.startsWith('Arrow') && at.matches('input, .scroll')) return;
  const action =
    (at === slider ? onSlider[event.key] : undefined) ??
    anywhere[event.key] ??
    (videos.length > 0 ? withPlayers[event.key] : undefined);
  if (!action) return;
  event.preventDefault();
  action();
});

if (videos.length > 0) listenTo(videos.length > 1 ? 'after' : 'before');

export {};

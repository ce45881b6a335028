/// <reference lib="dom" />
// Runs in the report, inlined into it: it may import nothing.

const cards = [...document.querySelectorAll<HTMLElement>('.card')];
const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const clips = byId('clips');
const [find, show, className, sort] = [
  byId<HTMLInputElement>('find'),
  byId<HTMLSelectElement>('show'),
  byId<HTMLSelectElement>('class'),
  byId<HTMLSelectElement>('sort'),
];
const STEP_S = 1;
/** Whoever listens to a hit wants to hear what comes before it. */
const LEAD_S = 0.25;
const SNAP_PIXELS = 9;

interface Hit {
  timeS: number;
  words: string;
}

const clock = (timeS: number): string => {
  const [minutes, seconds] = [Math.floor(timeS / 60), timeS % 60];
  return `${minutes}:${seconds < 9.995 ? '0' : ''}${seconds.toFixed(2)}`;
};

/* Choosing and sorting. */

const state = (card: HTMLElement) => card.dataset.state ?? '';
const isWrong = (card: HTMLElement) => state(card) === 'refused' || state(card) === 'failed';
/** Where nothing was timed, nothing can be out of time. */
const trust = (card: HTMLElement) => (card.dataset.trust ? Number(card.dataset.trust) : 2);
const isLow = (card: HTMLElement) => card.dataset.low === 'true';
const hasWarnings = (card: HTMLElement) => Number(card.dataset.warnings) > 0;

const shows: Record<string, (card: HTMLElement) => boolean> = {
  all: () => true,
  wrong: isWrong,
  low: isLow,
  warned: hasWarnings,
  fine: (card) => !isWrong(card) && !isLow(card) && !hasWarnings(card),
};
/** A lower rank comes first; cards of one rank stay in the order of their names. */
const ranks: Record<string, (card: HTMLElement) => number | string> = {
  name: () => 0,
  look: (card) => (isWrong(card) ? 0 : 1 + trust(card)),
  trust: (card) => (isWrong(card) ? 3 : trust(card)),
  class: (card) => card.dataset.class || '\uffff',
  duration: (card) => -Number(card.dataset.duration ?? 0),
};

function arrange(): void {
  const words = find.value.toLowerCase();
  const wanted = (card: HTMLElement) =>
    shows[show.value]!(card) &&
    (className.value === '' || card.dataset.class === className.value) &&
    (card.dataset.name ?? '').toLowerCase().includes(words);
  const rank = ranks[sort.value]!;
  const compared = (a: number | string, b: number | string) => (a < b ? -1 : a > b ? 1 : 0);
  const sorted = cards
    .map((card, index) => ({ card, index, rank: rank(card) }))
    .sort((a, b) => compared(a.rank, b.rank) || a.index - b.index);
  let count = 0;
  for (const { card } of sorted) {
    card.hidden = !wanted(card);
    if (card.hidden) for (const video of card.querySelectorAll('video')) video.pause();
    else count++;
    clips.append(card);
  }
  const none = byId('none');
  none.hidden = count > 0;
  clips.append(none);
  byId('shown').textContent = count === cards.length ? `${count} shown` : `${count} of ${cards.length} shown`;
}

for (const control of [find, show, className, sort]) control.addEventListener('input', arrange);
document.querySelector('.toolbar')!.addEventListener('submit', (event) => event.preventDefault());
byId('all').addEventListener('click', () => {
  find.value = className.value = '';
  show.value = 'all';
  arrange();
  find.focus();
});

/* One take: its player, its timeline and its hits. */

function goTo(video: HTMLVideoElement, timeS: number): void {
  if (video.readyState === 0) {
    // A time that is set before the file is open would be lost.
    video.addEventListener('loadedmetadata', () => (video.currentTime = timeS), { once: true });
    video.preload = 'auto';
    video.load();
  } else video.currentTime = timeS;
}

function hitsOf(line: HTMLElement): Hit[] {
  const data = JSON.parse(line.dataset.hits ?? '[]') as [number, number, string][];
  return data.map(([timeS, strength, name]) => ({
    timeS,
    words: `${clock(timeS)} ${name}, strength ${Math.round(strength * 100)} %`,
  }));
}

function bindTake(take: HTMLElement): void {
  const line = take.querySelector<HTMLElement>('.timeline')!;
  const video = take.querySelector('video');
  const durationS = Number(line.dataset.duration);
  const head = line.querySelector<HTMLElement>('.playhead')!;
  let hits: Hit[] | undefined;
  const known = () => (hits ??= hitsOf(line));

  const showTime = (timeS: number) => {
    head.style.left = `${(Math.min(durationS, timeS) / durationS) * 100}%`;
    line.setAttribute('aria-valuenow', timeS.toFixed(2));
    line.setAttribute('aria-valuetext', clock(timeS));
  };
  const jump = (timeS: number) => {
    const to = Math.max(0, Math.min(durationS, timeS));
    showTime(to);
    if (video) goTo(video, to);
  };
  const jumpToHit = (timeS: number) => jump(video && !video.paused ? timeS - LEAD_S : timeS);

  /** The time under the pointer, and the hit there. */
  const under = (event: MouseEvent): { timeS: number; hit: Hit | undefined } => {
    const { left, width } = line.getBoundingClientRect();
    const timeS = ((event.clientX - left) / width) * durationS;
    const reachS = (SNAP_PIXELS / width) * durationS;
    const [hit] = known()
      .filter((each) => Math.abs(each.timeS - timeS) <= reachS)
      .sort((a, b) => Math.abs(a.timeS - timeS) - Math.abs(b.timeS - timeS));
    return { timeS, hit };
  };
  line.addEventListener('click', (event) => {
    const { timeS, hit } = under(event);
    if (hit) jumpToHit(hit.timeS);
    else jump(timeS);
  });
  line.addEventListener('pointermove', (event) => {
    const { timeS, hit } = under(event);
    line.title = hit?.words ?? clock(Math.max(0, timeS));
  });
  for (const button of take.querySelectorAll<HTMLButtonElement>('[data-jump]'))
    button.addEventListener('click', () => jumpToHit(Number(button.dataset.jump)));

  const list = take.querySelector<HTMLDetailsElement>('.hit-list');
  list?.addEventListener('toggle', () => {
    if (!list.open || list.querySelector('ol')) return;
    const items = document.createElement('ol');
    for (const { timeS, words } of known()) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = words;
      button.addEventListener('click', () => jumpToHit(timeS));
      const item = document.createElement('li');
      item.append(button);
      items.append(item);
    }
    list.append(items);
  });

  takes.set(take, {
    video,
    step: (byS) => jump((video?.currentTime ?? Number(line.getAttribute('aria-valuenow'))) + byS),
    to: jump,
    nextHit(direction) {
      const nowS = Number(line.getAttribute('aria-valuenow'));
      const hits = known().map(({ timeS }) => timeS);
      // While it plays it stands a little before the hit that it was sent to.
      const slackS = video && !video.paused ? LEAD_S + 0.05 : 0.01;
      const next =
        direction > 0 ? hits.find((timeS) => timeS > nowS + slackS) : hits.findLast((timeS) => timeS < nowS - 0.01);
      if (next !== undefined) jumpToHit(next);
    },
  });
  if (!video) return;
  const still = take.closest('.card')!.querySelector<HTMLImageElement>('.stills img');
  if (still) video.poster = still.src;
  video.addEventListener('timeupdate', () => showTime(video.currentTime));
  video.addEventListener('seeking', () => showTime(video.currentTime));
  video.addEventListener('error', () => {
    take.querySelector<HTMLElement>('.unplayable')!.hidden = false;
  });
  video.addEventListener('play', () => {
    for (const other of document.querySelectorAll('video')) if (other !== video) other.pause();
    choose(take.closest('.card')!, false);
    const follow = () => {
      showTime(video.currentTime);
      if (!video.paused) requestAnimationFrame(follow);
    };
    follow();
  });
}

interface Take {
  video: HTMLVideoElement | null;
  step: (byS: number) => void;
  to: (timeS: number) => void;
  nextHit: (direction: 1 | -1) => void;
}
const takes = new Map<HTMLElement, Take>();

for (const card of cards) {
  const own = [...card.querySelectorAll<HTMLElement>('.take')];
  own.forEach(bindTake);
  const choices = [...card.querySelectorAll<HTMLInputElement>('.takes input')];
  const showChosen = () => {
    const chosen = choices.findIndex(({ checked }) => checked);
    own.forEach((take, index) => {
      take.hidden = index !== chosen;
      if (take.hidden) takes.get(take)!.video?.pause();
    });
  };
  if (choices.length > 0) showChosen();
  for (const choice of choices) choice.addEventListener('change', showChosen);
  card.addEventListener('focusin', () => choose(card, false));
  card.addEventListener('pointerdown', () => choose(card, false));
}

/* Going from clip to clip. */

let current: HTMLElement | undefined;

function choose(card: HTMLElement, go: boolean): void {
  current?.removeAttribute('aria-current');
  current = card;
  card.setAttribute('aria-current', 'true');
  if (!go) return;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: 'start' });
}

function neighbour(direction: 1 | -1): void {
  const visible = [...clips.querySelectorAll<HTMLElement>('.card')].filter((card) => !card.hidden);
  const at = current === undefined || current.hidden ? -1 : visible.indexOf(current);
  const next = visible[at < 0 ? 0 : at + direction];
  if (next) choose(next, true);
}

const currentTake = (): Take | undefined => {
  const take = current?.querySelector<HTMLElement>('.take:not([hidden])');
  return take ? takes.get(take) : undefined;
};

function nextTake(): void {
  const choices = [...(current?.querySelectorAll<HTMLInputElement>('.takes input') ?? [])];
  const next = choices[(choices.findIndex(({ checked }) => checked) + 1) % Math.max(1, choices.length)];
  next?.click();
}

function playOrPause(): boolean {
  const video = currentTake()?.video;
  if (!video) return false;
  if (video.paused) void video.play().catch(() => undefined);
  else video.pause();
  return true;
}

const keys: Record<string, () => boolean | void> = {
  j: () => neighbour(1),
  k: () => neighbour(-1),
  ' ': playOrPause,
  '.': () => currentTake()?.nextHit(1),
  ',': () => currentTake()?.nextHit(-1),
  ArrowRight: () => currentTake()?.step(STEP_S),
  ArrowLeft: () => currentTake()?.step(-STEP_S),
  t: nextTake,
  '/': () => find.focus(),
};
/** Keys of a slider, which hold while the timeline has the focus. */
const sliderKeys: Record<string, (take: Take, durationS: number) => void> = {
  ArrowUp: (take) => take.step(STEP_S),
  ArrowDown: (take) => take.step(-STEP_S),
  PageUp: (take, durationS) => take.step(durationS / 10),
  PageDown: (take, durationS) => take.step(-durationS / 10),
  Home: (take) => take.to(0),
  End: (take, durationS) => take.to(durationS),
};

document.addEventListener(
  'keydown',
  (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (target === find && event.key === 'Escape') find.blur();
    if (target.matches('input, select, textarea') && !(event.key === 't' && target.matches('[type=radio]'))) return;
    // Space on a button or a link is theirs.
    if (event.key === ' ' && target.matches('button, summary, a')) return;
    const slide = target.matches('.timeline') ? sliderKeys[event.key] : undefined;
    const take = currentTake();
    if (slide && take) slide(take, Number(target.dataset.duration));
    else if (keys[event.key]?.() === false || !keys[event.key]) return;
    // The player's own keys would do it twice.
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

arrange();

export {};

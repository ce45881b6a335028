/// <reference lib="dom" />
// Runs in the page, inlined into it: it may import nothing.

type Row = [
  id: string,
  source: string,
  label: number,
  split: string,
  fold: number,
  durationS: number,
  clipPath: string,
  videoPath: string,
  audioPath: string,
  state: '' | 'plain' | 'remarked',
];
interface Preview {
  stills: { timeS: number; jpegBase64: string }[];
  peaks: number[];
  durationS: number;
  remarks: string[];
}

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const { labels, rows } = JSON.parse(byId('clip-list').textContent) as { labels: string[]; rows: Row[] };
const [find, label, split, show] = [
  byId<HTMLInputElement>('find'),
  byId<HTMLSelectElement>('label'),
  byId<HTMLSelectElement>('split'),
  byId<HTMLSelectElement>('show'),
];
const [sheet, previous, next] = [byId('clips'), byId<HTMLButtonElement>('previous'), byId<HTMLButtonElement>('next')];
const PER_PAGE = 24;
/** Sound and picture of two files may drift so far apart before they are brought together again. */
const MOST_DRIFT_S = 0.08;
const SVG = 'http://www.w3.org/2000/svg';

let chosen: number[] = [];
let page = 0;
let current = -1;

byId('sample-words').textContent = byId<HTMLTemplateElement>('sample-text').content.textContent;

function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/* Choosing clips, and going through their pages. */

function choose(): void {
  const words = find.value.trim().toLowerCase();
  chosen = [];
  rows.forEach(([id, source, labelAt, splitName, fold, , , , , state], index) => {
    if (label.value !== '' && labelAt !== Number(label.value)) return;
    if (split.value !== '' && split.value !== splitName && split.value !== `fold ${fold}`) return;
    if (show.value === 'sampled' ? state === '' : show.value !== '' && state !== show.value) return;
    if (words && !`${source}\n${labels[labelAt]}\n${id}`.toLowerCase().includes(words)) return;
    chosen.push(index);
  });
  // Those with pictures first: they are what one comes to see.
  const rank = (index: number) => (rows[index]![9] === '' ? 1 : 0);
  chosen.sort((a, b) => rank(a) - rank(b) || a - b);
  goToPage(0);
}

const pages = () => Math.max(1, Math.ceil(chosen.length / PER_PAGE));

function goToPage(number: number): void {
  page = Math.max(0, Math.min(pages() - 1, number));
  current = -1;
  const first = page * PER_PAGE;
  const those = chosen.slice(first, first + PER_PAGE);
  sheet.replaceChildren(...those.map(card));
  const range =
    those.length === 0 ? 'No clip is like that.' : `${first + 1}–${first + those.length} of ${chosen.length}`;
  byId('shown').textContent = chosen.length === rows.length ? range : `${range}${those.length ? ' chosen' : ''}`;
  // Disabled buttons would lose the focus of whoever just pressed them.
  previous.setAttribute('aria-disabled', String(page === 0));
  next.setAttribute('aria-disabled', String(page === pages() - 1));
}

/* One clip. */

function card(index: number): HTMLLIElement {
  const [id, source, labelAt, splitName, fold, durationS, , , , state] = rows[index]!;
  const preview = state === '' ? undefined : (JSON.parse(byId(`preview-${index}`).textContent) as Preview);
  const seconds = durationS || preview?.durationS || 0;
  const name = labels[labelAt] || '(no label)';
  const place = fold > 0 ? `fold ${fold}` : splitName;
  const player = playerOf(index, preview, `${name}, ${source}`);
  const article = element(
    'article',
    { class: 'card', tabindex: '-1', 'aria-label': `${name}, ${place}, ${source}` },
    element(
      'header',
      {},
      element('h3', {}, element('bdi', {}, name)),
      element('span', { class: `badge ${splitName}` }, place),
    ),
    player.element,
  );
  if (preview) {
    if (preview.stills.length > 1) article.append(stillsOf(preview, player));
    if (preview.peaks.length > 0) article.append(waveOf(preview, player));
  }
  const facts = element('p', { class: 'facts' }, element('bdi', { title: source }, source));
  if (seconds > 0) facts.append(` · ${seconds.toFixed(2)} s`);
  facts.append(' · ', element('code', { title: id }, id.slice(0, 12)));
  article.append(facts);
  if (preview && preview.remarks.length > 0) {
    article.append(element('ul', { class: 'remarks' }, ...preview.remarks.map((remark) => element('li', {}, remark))));
  }
  article.addEventListener('focusin', () => mark(article));
  return element('li', {}, article);
}

interface Player {
  element: HTMLMediaElement;
  goTo(timeS: number): void;
}

function playerOf(index: number, preview: Preview | undefined, name: string): Player {
  const [, , , , , , clipPath, videoPath, audioPath] = rows[index]!;
  const path = videoPath || clipPath;
  const heardOnly = /\.(wav|mp3|flac|ogg|m4a)$/.test(path);
  const player = element(heardOnly ? 'audio' : 'video', { controls: '', preload: 'none', src: `./${path}` });
  player.setAttribute('aria-label', name);
  if (player instanceof HTMLVideoElement) {
    player.playsInline = true;
    const [still] = preview?.stills.slice(Math.floor((preview.stills.length - 1) / 2)) ?? [];
    if (still) player.poster = `data:image/jpeg;base64,${still.jpegBase64}`;
  }
  if (videoPath && audioPath) playAlong(player, `./${audioPath}`);
  player.addEventListener('error', () => (byId('missing').hidden = false));
  player.addEventListener('play', () => {
    for (const other of sheet.querySelectorAll<HTMLMediaElement>('video, audio')) if (other !== player) other.pause();
  });
  return {
    element: player,
    goTo(timeS) {
      if (player.readyState > 0) player.currentTime = timeS;
      else {
        // A time that is set before the file is open would be lost.
        player.addEventListener('loadedmetadata', () => (player.currentTime = timeS), { once: true });
        player.preload = 'auto';
        player.load();
      }
    },
  };
}

/** The preprocessor's picture has no sound: that lies in a file of its own, which follows the picture. */
function playAlong(picture: HTMLMediaElement, path: string): void {
  const sound = new Audio();
  sound.preload = 'none';
  sound.src = path;
  const together = () => {
    if (Math.abs(sound.currentTime - picture.currentTime) > MOST_DRIFT_S) sound.currentTime = picture.currentTime;
  };
  // A picture that waits for its file stops the sound, and takes it along when it goes on.
  const goOn = () => void sound.play().then(together, () => undefined);
  picture.addEventListener('play', goOn);
  picture.addEventListener('playing', goOn);
  picture.addEventListener('seeked', together);
  picture.addEventListener('timeupdate', together);
  for (const end of ['pause', 'waiting', 'ended', 'emptied']) picture.addEventListener(end, () => sound.pause());
  picture.addEventListener('volumechange', () => {
    sound.volume = picture.volume;
    sound.muted = picture.muted;
  });
  picture.addEventListener('ratechange', () => (sound.playbackRate = picture.playbackRate));
}

function stillsOf({ stills }: Preview, player: Player): HTMLElement {
  const items = stills.map(({ timeS, jpegBase64 }) => {
    const image = element('img', { src: `data:image/jpeg;base64,${jpegBase64}`, alt: '' });
    const button = element('button', { type: 'button', 'aria-label': `Go to ${timeS.toFixed(1)} s` }, image);
    button.addEventListener('click', () => player.goTo(timeS));
    return element('li', {}, button);
  });
  return element('ul', { class: 'stills' }, ...items);
}

/** The waveform; a click goes there. Whoever uses no pointer has the player's own controls for that. */
function waveOf({ peaks, durationS }: Preview, player: Player): HTMLElement {
  const picture = document.createElementNS(SVG, 'svg');
  picture.setAttribute('viewBox', `0 0 ${peaks.length} 100`);
  picture.setAttribute('preserveAspectRatio', 'none');
  const line = document.createElementNS(SVG, 'path');
  const bars = peaks.map((peak, i) => `M${i + 0.5} ${50 - Math.max(0.75, peak / 2)}V${50 + Math.max(0.75, peak / 2)}`);
  line.setAttribute('d', bars.join(''));
  picture.append(line);
  const head = element('i', { class: 'playhead' });
  const wave = element('div', { class: 'wave', 'aria-hidden': 'true' }, picture, head);
  const lengthS = () => (durationS > 0 ? durationS : player.element.duration || 1);
  wave.addEventListener('click', (event) => {
    const { left, width } = wave.getBoundingClientRect();
    player.goTo(((event.clientX - left) / width) * lengthS());
  });
  player.element.addEventListener('timeupdate', () => {
    head.style.left = `${Math.min(100, (100 * player.element.currentTime) / lengthS())}%`;
  });
  return wave;
}

/* The keyboard. */

const cards = () => [...sheet.querySelectorAll<HTMLElement>('.card')];

function mark(card: HTMLElement): void {
  for (const other of cards()) other.toggleAttribute('data-current', other === card);
  current = cards().indexOf(card);
}

function goToCard(step: 1 | -1): void {
  const all = cards();
  const wanted = current + step;
  if (wanted >= all.length && page < pages() - 1) goToPage(page + 1);
  else if (wanted < 0 && page > 0) {
    goToPage(page - 1);
    current = PER_PAGE;
  }
  const target = cards()[Math.max(0, Math.min(cards().length - 1, current + step))];
  target?.focus({ preventScroll: true });
  target?.scrollIntoView({ block: 'nearest' });
}

function playOrPause(): void {
  const player = cards()[Math.max(0, current)]?.querySelector<HTMLMediaElement>('video, audio');
  if (!player) return;
  if (player.paused) void player.play().catch(() => undefined);
  else player.pause();
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target as HTMLElement;
  if (at.matches('input, select, textarea')) {
    if (event.key === 'Escape') sheet.focus();
    return;
  }
  // Space on a button, a summary or a player is that element's own.
  if (event.key === ' ' && at.matches('button, summary, video, audio, a')) return;
  const actions: Record<string, () => void> = {
    j: () => goToCard(1),
    k: () => goToCard(-1),
    ' ': playOrPause,
    '.': () => goToPage(page + 1),
    ',': () => goToPage(page - 1),
    '/': () => find.focus(),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

for (const control of [find, label, split, show]) control.addEventListener('input', choose);
document.querySelector('.toolbar')!.addEventListener('submit', (event) => event.preventDefault());
previous.addEventListener('click', () => goToPage(page - 1));
next.addEventListener('click', () => goToPage(page + 1));
choose();

export {};

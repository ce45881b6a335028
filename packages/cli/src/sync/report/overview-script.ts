/// <reference lib="dom" />
// Runs in the overview, inlined into it: it may import nothing.

const cards = [...document.querySelectorAll<HTMLElement>('.card')];
const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const films = byId('films');
const [find, show, sort] = [
  byId<HTMLInputElement>('find'),
  byId<HTMLSelectElement>('show'),
  byId<HTMLSelectElement>('sort'),
];

const isWrong = ({ dataset }: HTMLElement) => dataset.state === 'refused' || dataset.state === 'failed';
const offset = ({ dataset }: HTMLElement) => (dataset.offset ? Math.abs(Number(dataset.offset)) : -1);
const sure = ({ dataset }: HTMLElement) => (dataset.sure ? Number(dataset.sure) : 2);

/** What needs a look first: what failed, what couldn't be repaired or told, what was repaired, and then the rest. */
function urgency(card: HTMLElement): number {
  const { verdict, repaired } = card.dataset;
  if (isWrong(card)) return 0;
  if (verdict === undefined) return 1;
  if (verdict === 'in_sync') return 5;
  if (repaired === 'true') return 4;
  return verdict === 'cannot_tell' ? 3 : 2;
}

const shows: Record<string, (card: HTMLElement) => boolean> = {
  all: () => true,
  wrong: isWrong,
  repaired: ({ dataset }) => dataset.repaired === 'true',
  left: (card) => urgency(card) === 2,
  cannot_tell: ({ dataset }) => dataset.verdict === 'cannot_tell',
  in_sync: ({ dataset }) => dataset.verdict === 'in_sync',
};
/** A lower rank comes first; films of one rank stay in the order of their names. */
const ranks: Record<string, (card: HTMLElement) => number> = {
  look: urgency,
  name: () => 0,
  offset: (card) => -offset(card),
  sure,
};

function arrange(): void {
  const words = find.value.toLowerCase();
  const rank = ranks[sort.value]!;
  const sorted = cards
    .map((card, index) => ({ card, index, rank: rank(card) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index);
  let count = 0;
  for (const { card } of sorted) {
    card.hidden = !(shows[show.value]!(card) && (card.dataset.name ?? '').toLowerCase().includes(words));
    if (!card.hidden) count++;
    films.append(card);
  }
  const none = byId('none');
  none.hidden = count > 0;
  films.append(none);
  byId('shown').textContent = count === cards.length ? `${count} shown` : `${count} of ${cards.length} shown`;
}

for (const control of [find, show, sort]) control.addEventListener('input', arrange);
document.querySelector('.toolbar')!.addEventListener('submit', (event) => event.preventDefault());
byId('all').addEventListener('click', () => {
  find.value = '';
  show.value = 'all';
  arrange();
  find.focus();
});
arrange();

export {};

import { badInput } from '@soundstage/core';
import type { Decision } from './decision.js';
import type { Palette } from '../palette/palette.js';
import { GROUPS, type SoundClass, type SoundGroup } from '../palette/sound-class.js';

/**
 * The class that words name, for example `hammer on wood`: the one that shares most with its label and keywords.
 *
 * Throws SoundstageError BAD_INPUT that lists near classes, or all of them where none is near.
 */
export function decideByWords(sound: string, palette: Palette): Decision {
  const ranked = rankedBy(sound, palette.classes);
  const best = ranked[0];
  if (best !== undefined && best.exact > 0) {
    const { soundClass } = best;
    return { chosen: soundClass, classes: [{ label: soundClass.id, confidence: 1 }], sure: true, warnings: [] };
  }
  throw badInput(
    `There is no sound for "${shortened(sound)}". ${nearOnes(ranked)} Choose one of them, or leave the sound out and it is chosen by the picture.`,
    'sound',
  );
}

/** What people call the groups. */
const GROUP_WORDS: Readonly<Record<SoundGroup, readonly string[]>> = {
  impact: ['impact', 'hit', 'knock', 'blow'],
  body: ['body', 'step'],
  animal: ['animal', 'beast', 'pet'],
  speech: ['speech', 'voice', 'people', 'talking', 'human voice'],
  nature: ['nature', 'weather'],
  blast: ['blast', 'weapon', 'shooting'],
  music: ['music', 'instrument', 'musical instrument'],
  signal: ['signal', 'alarm'],
  machine: ['machine', 'vehicle', 'traffic'],
  ambience: ['ambience', 'background'],
};

/**
 * The ids of the classes that must not sound. words: ids, groups (`music`, `speech`), families (`drums`) or keywords;
 * one entry may hold several, with commas between.
 *
 * Throws SoundstageError BAD_INPUT for a word that names nothing, with near ones; and where nothing would be left.
 */
export function mutedBy(words: readonly string[], palette: Palette): Set<string> {
  const muted = new Set<string>();
  for (const word of words.flatMap((each) => each.split(','))) {
    const phrase = phraseOf(word);
    if (word.trim() === '') continue;
    const named = palette.classes.filter((soundClass) => names(phrase, soundClass));
    if (named.length === 0) {
      throw badInput(
        `There is no sound "${shortened(word.trim())}" to mute. ${nearOnes(rankedBy(word, palette.classes))} Or mute one of the groups: ${GROUPS.join(', ')}.`,
        'mute',
      );
    }
    for (const { id } of named) muted.add(id);
  }
  if (palette.classes.every(({ id }) => muted.has(id)))
    throw badInput('Everything is muted, so that no sound is left: mute less.', 'mute');
  return muted;
}

function names(phrase: string, { id, family, group, keywords }: SoundClass): boolean {
  const own = [id, family, group, ...GROUP_WORDS[group]];
  return [...own, ...keywords].some((each) => phraseOf(each) === phrase);
}

interface Ranked {
  soundClass: SoundClass;
  exact: number;
  near: number;
}

/** The likest first. */
function rankedBy(sound: string, classes: readonly SoundClass[]): Ranked[] {
  const words = wordsOf(sound);
  return classes
    .map((soundClass) => ({ soundClass, ...likeness(words, soundClass) }))
    .sort((a, b) => b.exact - a.exact || b.near - a.near || (a.soundClass.id < b.soundClass.id ? -1 : 1));
}

function nearOnes(ranked: readonly Ranked[]): string {
  const near = ranked.filter((each) => each.near > 0).slice(0, 5);
  const shown = (near.length > 0 ? near : ranked).map(({ soundClass }) => soundClass.id).join(', ');
  return `${near.length > 0 ? 'Near it are' : 'There are'}: ${shown}.`;
}

/** What a word is worth that is one of the class's by itself, and one that is so only among others. */
const [ALONE, AMONG_OTHERS] = [1, 0.7];

/**
 * exact: a point for each word that is one of the class's, half as much more for the last word, since `stick on metal`
 * and `wooden door` sound like their last one; two more where all words together are one of its keywords, or one of its
 * keywords of several words is among them; three where they are its name.
 * near: how much the other words look like one of the class's.
 */
function likeness(words: readonly string[], { id, keywords }: SoundClass): { exact: number; near: number } {
  const phrases = [id, ...keywords].map(phraseOf);
  const alone = new Set(phrases);
  const own = new Set(phrases.flatMap((phrase) => phrase.split(' ')));
  const worth = (word: string): number => (alone.has(word) ? ALONE : own.has(word) ? AMONG_OTHERS : 0);
  const last = words.length - 1;
  const exact = words.reduce((sum, word, index) => sum + worth(word) * (index === last ? 1.5 : 1), 0);
  const near = words.reduce((sum, word) => sum + (own.has(word) ? 0 : closest(word, own)), 0);
  const whole = words.join(' ');
  const within = phrases.some((phrase) => phrase.includes(' ') && ` ${whole} `.includes(` ${phrase} `));
  return { exact: exact + (whole === phrases[0] ? 3 : phrases.includes(whole) || within ? 2 : 0), near };
}

function closest(word: string, own: ReadonlySet<string>): number {
  let most = 0;
  for (const other of own) {
    let same = 0;
    while (same < word.length && word[same] === other[same]) same++;
    if (same >= 3) most = Math.max(most, same / Math.max(word.length, other.length));
  }
  return most >= 0.5 ? Math.min(most, 0.9) : 0;
}

const FILLERS: ReadonlySet<string> = new Set(
  'a an the on of in with and at to is are that sound sounds noise noises'.split(' '),
);

/** Lower case, no fillers, singular where that is only an s. */
function wordsOf(text: string): string[] {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '' && !FILLERS.has(word))
    .map((word) => (word.length > 3 && word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word));
}

function phraseOf(text: string): string {
  return wordsOf(text).join(' ');
}

function shortened(text: string): string {
  return text.slice(0, 80);
}

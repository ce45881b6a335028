import { asFloat32, type OpenModel } from '@soundstage/models';
import { badInput } from '@soundstage/core';
import type { SoundClass } from './sound-class.js';
import type { Palette } from './palette.js';

/** A class of the palette and how sure the picture makes us. */
export interface Recognised {
  label: string;
  /** 0 to 1. */
  confidence: number;
}

export interface Decision {
  chosen: SoundClass;
  /** At most three, most probable first. */
  classes: Recognised[];
  warnings: string[];
}

/** Below this the picture says too little: wrong sounds disturb more than plain ones. */
const SURE = 0.2;
/** A bark or a shot where there is none is worse than a wrong knock, so these need more, and each for itself. */
const STARTLING: ReadonlySet<string> = new Set(['animal', 'blast', 'people', 'signal']);
const SURE_OF_STARTLING = 0.3;
const REPORTED = 3;
const LEAST_REPORTED = 0.02;
/** What the detector must see in a frame for it to count at all; its card's threshold is for drawing boxes. */
const LEAST_DETECTION = 0.3;
/** A detection says what is there, not that it is what sounds. */
const DETECTION_WEIGHT = 0.7;

/** Gathers what the frames show. Frames come one by one, the models run while the next are decoded. */
export interface Watcher {
  /** 224×224 RGB, 8 bit. */
  addForClassifier(frame: Uint8Array): Promise<void>;
  /** 416×416 RGB, 8 bit. */
  addForDetector(frame: Uint8Array): Promise<void>;
  finish(): Promise<Recognised[]>;
}

/**
 * classifier: frames [N, 224, 224, 3] → probabilities [N, 1000]; detector: frames [N, 416, 416, 3] → scores
 * [N, places, 80]. Their labels are mapped to classes of the palette.
 */
export function watch(
  models: { classifier: OpenModel; detector: OpenModel },
  palette: Palette,
  signal?: AbortSignal,
): Watcher {
  const classified: Float32Array[] = [];
  const detected: Float32Array[] = [];
  const classify = oneAtATime(async (frame: Uint8Array) => {
    const { probabilities } = await models.classifier.run(
      { frames: { dims: [1, 224, 224, 3], data: frame } },
      { signal },
    );
    classified.push(asFloat32(probabilities));
  });
  const detect = oneAtATime(async (frame: Uint8Array) => {
    const { scores } = await models.detector.run({ frames: { dims: [1, 416, 416, 3], data: frame } }, { signal });
    detected.push(bestOfEach(asFloat32(scores), scores!.dims.at(-1)!));
  });
  return {
    addForClassifier: classify.add,
    addForDetector: detect.add,
    async finish() {
      await Promise.all([classify.finish(), detect.finish()]);
      return weigh(palette.classes, classified, detected);
    },
  };
}

/**
 * Confidence of each class, from what all frames show.
 *
 * In a frame, a class has the sum of the probabilities of its ImageNet labels, and the best score of its COCO labels.
 * Over the frames the mean is taken, so that one odd frame decides nothing; the two sources are joined as independent
 * witnesses: 1 − (1 − a)(1 − b).
 */
export function weigh(
  classes: readonly SoundClass[],
  classified: readonly Float32Array[],
  detected: readonly Float32Array[],
): Recognised[] {
  return classes
    .map(({ id, imagenet, coco }) => {
      const seen = meanOver(classified, (frame) => sumOf(imagenet, ({ index, weight }) => weight * frame[index]!));
      const found = meanOver(detected, (frame) =>
        Math.max(
          0,
          ...coco.map(({ index, weight }) => (frame[index]! >= LEAST_DETECTION ? weight * frame[index]! : 0)),
        ),
      );
      return { label: id, confidence: 1 - (1 - Math.min(1, seen)) * (1 - DETECTION_WEIGHT * found) };
    })
    .sort((a, b) => b.confidence - a.confidence || (a.label < b.label ? -1 : 1));
}

/**
 * Takes the best class of the best family; where even the family is not sure enough, the class that fits any material.
 * Within a family (a tom, a snare) a mistake is small, so that its classes' confidences count together.
 */
export function decide(recognised: readonly Recognised[], palette: Palette): Decision {
  const classes = recognised.filter(({ confidence }) => confidence >= LEAST_REPORTED).slice(0, REPORTED);
  const found = recognised.flatMap(({ label, confidence }) => {
    const soundClass = palette.classes.find(({ id }) => id === label);
    return soundClass === undefined ? [] : [{ soundClass, confidence }];
  });
  const best = found
    .map(({ soundClass, confidence }) => ({ soundClass, confidence, support: supportOf(soundClass, found) }))
    .filter(({ soundClass, support }) => support >= (STARTLING.has(soundClass.family) ? SURE_OF_STARTLING : SURE))
    .sort((a, b) => b.support - a.support || b.confidence - a.confidence)[0];
  if (best !== undefined && best.soundClass !== palette.neutral)
    return { chosen: best.soundClass, classes, warnings: [] };
  const guess = classes[0] === undefined ? '' : ` (best guess: ${classes[0].label}, ${percent(classes[0].confidence)})`;
  const warnings = [
    `It wasn't clear what makes the sound${guess}, so neutral sounds were used. Say what it is, for example "hammer on wood", and it sounds like that.`,
  ];
  return { chosen: palette.neutral, classes, warnings };
}

/** A class's own confidence, and that of its family where one of it may stand in for another. */
function supportOf(soundClass: SoundClass, found: readonly { soundClass: SoundClass; confidence: number }[]): number {
  const { id, family } = soundClass;
  const counts = (other: SoundClass): boolean => other.id === id || (other.family === family && !STARTLING.has(family));
  return sumOf(found, (other) => (counts(other.soundClass) ? other.confidence : 0));
}

/**
 * The class that words name, for example `hammer on wood`: the one that shares most with its label and keywords.
 *
 * Throws SoundstageError BAD_INPUT that lists near classes, or all of them where none is near.
 */
export function decideByWords(sound: string, palette: Palette): Decision {
  const words = wordsOf(sound);
  const ranked = palette.classes
    .map((soundClass) => ({ soundClass, ...likeness(words, soundClass) }))
    .sort((a, b) => b.exact - a.exact || b.near - a.near || (a.soundClass.id < b.soundClass.id ? -1 : 1));
  const best = ranked[0];
  if (best !== undefined && best.exact > 0) {
    return { chosen: best.soundClass, classes: [{ label: best.soundClass.id, confidence: 1 }], warnings: [] };
  }
  const near = ranked.filter((each) => each.near > 0).slice(0, 5);
  const shown = (near.length > 0 ? near : ranked).map(({ soundClass }) => soundClass.id).join(', ');
  throw badInput(
    `There is no sound for "${sound.slice(0, 80)}". ${near.length > 0 ? 'Near it are' : 'There are'}: ${shown}. Choose one of them, or leave the sound out and it is chosen by the picture.`,
    'sound',
  );
}

/**
 * exact: one point for each word that is one of the class's, half a point more for the last word, since `stick on
 * metal` and `wooden door` sound like their last one; two where all words together are one of its keywords, three where
 * they are its name.
 * near: how much the other words look like one of the class's.
 */
function likeness(words: readonly string[], { id, keywords }: SoundClass): { exact: number; near: number } {
  const phrases = [id, ...keywords].map((phrase) => wordsOf(phrase).join(' '));
  const own = new Set(phrases.flatMap((phrase) => phrase.split(' ')));
  const last = words.at(-1);
  const exact = sumOf(words, (word) => (own.has(word) ? (word === last ? 1.5 : 1) : 0));
  const near = sumOf(words, (word) => (own.has(word) ? 0 : closest(word, own)));
  const whole = words.join(' ');
  return { exact: exact + (whole === phrases[0] ? 3 : phrases.includes(whole) ? 2 : 0), near };
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

const FILLERS: ReadonlySet<string> = new Set([
  'a',
  'an',
  'the',
  'on',
  'of',
  'in',
  'with',
  'and',
  'at',
  'to',
  'sound',
  'sounds',
  'noise',
]);

/** Lower case, no fillers, singular where that is only an s. */
function wordsOf(text: string): string[] {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '' && !FILLERS.has(word))
    .map((word) => (word.length > 3 && word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word));
}

/** scores [places, kinds] → the best score of each kind. */
function bestOfEach(scores: Float32Array, kinds: number): Float32Array {
  const best = new Float32Array(kinds);
  for (let i = 0; i < scores.length; i++) best[i % kinds] = Math.max(best[i % kinds]!, scores[i]!);
  return best;
}

function meanOver(frames: readonly Float32Array[], value: (frame: Float32Array) => number): number {
  return frames.length === 0 ? 0 : sumOf(frames, value) / frames.length;
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Starts work on one item while the next is fetched, never on two. */
function oneAtATime<T>(work: (item: T) => Promise<void>): { add(item: T): Promise<void>; finish(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  return {
    async add(item) {
      await running;
      running = work(item);
      running.catch(() => undefined); // awaited by the next add() or by finish()
    },
    finish: () => running,
  };
}

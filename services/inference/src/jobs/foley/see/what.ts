import { badInput } from '@soundstage/core';
import type { Decision, Recognised } from './decision.js';
import type { Palette } from '../palette/palette.js';
import type { SoundClass, SoundGroup } from '../palette/sound-class.js';
import type { Sight } from './sights.js';

export type { Decision, Recognised } from './decision.js';
export { watch, type Sight, type Watcher } from './sights.js';
export { decideByWords, mutedBy } from './words.js';

export interface DecideOptions {
  /** Ids of classes that must not be chosen: see mutedBy(). */
  muted?: ReadonlySet<string> | undefined;
}

/** A wrong sound disturbs about a third as much as the right one pleases beside a plain knock: so often it must be right. */
const SURE = 0.25;
/** A bark, a shot, a voice where there is none disturbs more. */
const SURE_OF: Partial<Record<SoundGroup, number>> = { animal: 0.4, blast: 0.4, signal: 0.4, speech: 0.4, music: 0.3 };
/** A knock of a likely material, or a step, is better than one of nothing, even where nothing is sure. */
const HINT = 0.08;
const SURE_BESIDES = 0.35;
/** What may go on in the background unasked: never a voice, never a tune. */
const BESIDES: ReadonlySet<SoundGroup> = new Set(['nature', 'animal', 'machine']);
const REPORTED = 3;
const LEAST_REPORTED = 0.02;
/** A detection says what is there, not that it is what sounds. */
const DETECTION_WEIGHT = 0.8;
/** Cause and sound may be out of sight half of the time. */
const SHARE_OF_FRAMES = 0.5;
/** Log-odds of being right over log-odds of what the models say. Fitted by palette/calibrate.mjs to 321 other pictures. */
export const CALIBRATION = { slope: 1.08, offset: 0.42 } as const;

/**
 * Confidence of each class, from any of the frames, the surest class first.
 *
 * A class has the mean of its best half of the frames: more than one odd frame, and not spoilt by those in which the
 * cause is hidden. The two models are joined as independent witnesses, 1 − (1 − a)(1 − b), and the outcome is
 * calibrated so that it is right about as often as it says.
 */
export function weigh(classes: readonly SoundClass[], sights: readonly Sight[]): Recognised[] {
  const by = (model: Sight['by']): Float32Array[] =>
    sights.filter((sight) => sight.by === model).map(({ evidence }) => evidence);
  const [classifier, detector] = [by('classifier'), by('detector')];
  return classes
    .map(({ id }, index) => {
      const seen = meanOfBest(classifier, index);
      const found = DETECTION_WEIGHT * meanOfBest(detector, index);
      return { label: id, confidence: calibrated(1 - (1 - seen) * (1 - found)) };
    })
    .sort((a, b) => b.confidence - a.confidence || (a.label < b.label ? -1 : 1));
}

function meanOfBest(frames: readonly Float32Array[], index: number): number {
  const best = frames.map((evidence) => evidence[index]!).sort((a, b) => b - a);
  const count = Math.ceil(best.length * SHARE_OF_FRAMES);
  return count === 0 ? 0 : best.slice(0, count).reduce((sum, value) => sum + value, 0) / count;
}

function calibrated(said: number): number {
  if (said <= 0) return 0;
  const odds = Math.log(said / Math.max(1e-6, 1 - said));
  return 1 / (1 + Math.exp(-(CALIBRATION.slope * odds + CALIBRATION.offset)));
}

interface Found {
  soundClass: SoundClass;
  confidence: number;
}

/**
 * Takes the surest class that is sure enough for what it is. Where none is, a knock of the likeliest material or a step;
 * where there is no hint of one, the class that fits any. What is muted is never chosen; a voice or an instrument only
 * where it is seen.
 *
 * recognised: the surest first, as weigh() gives them. Throws SoundstageError BAD_INPUT where everything is muted.
 */
export function decide(recognised: readonly Recognised[], palette: Palette, options: DecideOptions = {}): Decision {
  const muted = options.muted ?? new Set<string>();
  const left = recognised.filter(({ label }) => !muted.has(label));
  const classes = left.filter(({ confidence }) => confidence >= LEAST_REPORTED).slice(0, REPORTED);
  const found = left.flatMap(({ label, confidence }): Found[] => {
    const soundClass = palette.classes.find(({ id }) => id === label);
    return soundClass === undefined || confidence < HINT ? [] : [{ soundClass, confidence }];
  });
  const best = found.find(isSure)?.soundClass;
  if (best !== undefined) {
    const also = found.find((each) => goesOnBesides(each, best))?.soundClass;
    return { chosen: best, also, classes, sure: true, warnings: [] };
  }
  const chosen = found.find(({ soundClass }) => fitsMuch(soundClass))?.soundClass ?? makeshift(palette, muted);
  return { chosen, classes, sure: false, warnings: [unclear(classes[0], chosen)] };
}

function isSure({ soundClass, confidence }: Found): boolean {
  return soundClass.family !== 'neutral' && confidence >= (SURE_OF[soundClass.group] ?? SURE);
}

function goesOnBesides({ soundClass, confidence }: Found, chosen: SoundClass): boolean {
  const { kind, family, group } = soundClass;
  return kind === 'continuous' && family !== chosen.family && BESIDES.has(group) && confidence >= SURE_BESIDES;
}

const FIT_MUCH: ReadonlySet<string> = new Set('soft wood metal glass ceramic plastic stone step'.split(' '));

function fitsMuch({ kind, group, family }: SoundClass): boolean {
  return kind === 'struck' && (group === 'impact' || group === 'body') && FIT_MUCH.has(family);
}

/** Fits anything, and isn't muted. */
function makeshift(palette: Palette, muted: ReadonlySet<string>): SoundClass {
  const harmless = palette.classes.filter(({ group }) => group === 'impact' || group === 'nature');
  const one = [palette.neutral, palette.ambience, ...harmless, ...palette.classes].find(({ id }) => !muted.has(id));
  if (one === undefined) throw badInput('Everything is muted, so that no sound is left: mute less.', 'mute');
  return one;
}

function unclear(best: Recognised | undefined, chosen: SoundClass): string {
  const guess = best === undefined ? '' : ` (best guess: ${best.label}, ${Math.round(best.confidence * 100)} %)`;
  return `It wasn't clear what makes the sound${guess}, so neutral sounds were used: ${chosen.label}. Say what it is, for example "hammer on wood", and it sounds like that.`;
}

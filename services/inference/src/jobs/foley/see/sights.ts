import { asFloat32, type OpenModel } from '@soundstage/models';
import type { Palette } from '../palette/palette.js';
import type { SoundClass } from '../palette/sound-class.js';

/** What one frame says for each class of the palette. Small, as a film of four hours has some ten thousand of them. */
export interface Sight {
  timeS: number;
  /** A classifier says what a picture is of, a detector what is somewhere in it. */
  by: 'classifier' | 'detector';
  /** By class, in the palette's order, 0 to 1. */
  evidence: Float32Array;
}

/** Gathers what the frames show. Frames come one by one, the models run while the next are decoded. */
export interface Watcher {
  /** 224×224 RGB, 8 bit. */
  addForClassifier(frame: Uint8Array, timeS: number): Promise<void>;
  /** 416×416 RGB, 8 bit. */
  addForDetector(frame: Uint8Array, timeS: number): Promise<void>;
  /** By time. */
  finish(): Promise<Sight[]>;
}

/** What the detector must be sure of for a thing to count at all; its card's threshold is for drawing boxes. */
const LEAST_DETECTION = 0.3;
/**
 * A person on foot: upright, feet in the picture, not a dot. In shares of the picture, which is squeezed to a square: in
 * 16:9 one who stands is four times as high as wide, one who sits twice.
 */
const ON_FOOT = { leastHeight: 0.15, leastSlender: 2.5, lowestFeet: 0.98 } as const;

/**
 * classifier: frames [N, 224, 224, 3] → probabilities [N, 1000]; detector: frames [N, 416, 416, 3] → scores
 * [N, places, 80] and boxes [N, places, 4]. Their labels are turned to classes of the palette at once.
 */
export function watch(
  models: { classifier: OpenModel; detector: OpenModel },
  palette: Palette,
  signal?: AbortSignal,
): Watcher {
  const { classes, personIndex } = palette;
  const sights: Sight[] = [];
  const classify = oneAtATime(async ({ data, timeS }: Frame) => {
    const { probabilities } = await models.classifier.run(
      { frames: { dims: [1, 224, 224, 3], data } },
      { signal, outputs: ['probabilities'] },
    );
    sights.push({ timeS, by: 'classifier', evidence: classified(classes, asFloat32(probabilities)) });
  });
  const detect = oneAtATime(async ({ data, timeS }: Frame) => {
    const { scores, boxes } = await models.detector.run({ frames: { dims: [1, 416, 416, 3], data } }, { signal });
    const kinds = scores!.dims.at(-1)!;
    const places = asFloat32(scores);
    const onFoot = personOnFoot(places, asFloat32(boxes), kinds, personIndex);
    sights.push({ timeS, by: 'detector', evidence: detected(classes, bestOfEach(places, kinds), onFoot) });
  });
  return {
    addForClassifier: (data, timeS) => classify.add({ data, timeS }),
    addForDetector: (data, timeS) => detect.add({ data, timeS }),
    async finish() {
      await Promise.all([classify.finish(), detect.finish()]);
      return sights.sort((a, b) => a.timeS - b.timeS || (a.by < b.by ? -1 : 1));
    },
  };
}

interface Frame {
  data: Uint8Array;
  timeS: number;
}

/** probabilities: of the 1000 labels. A class has the sum over its labels, less what any picture gives it by chance. */
export function classified(classes: readonly SoundClass[], probabilities: Float32Array): Float32Array {
  return Float32Array.from(classes, ({ imagenet }) => {
    let sum = 0;
    let byChance = 0;
    for (const { index, weight } of imagenet) {
      sum += weight * probabilities[index]!;
      byChance += weight / probabilities.length;
    }
    return Math.min(1, Math.max(0, (sum - byChance) / (1 - byChance)));
  });
}

/** best: of the 80 labels, the best score in the frame. A class has its best thing, or its best group of things. */
export function detected(classes: readonly SoundClass[], best: Float32Array, onFoot = 0): Float32Array {
  const scoreOf = (index: number): number => (best[index]! >= LEAST_DETECTION ? best[index]! : 0);
  return Float32Array.from(classes, ({ coco, together = [], onFoot: weight = 0 }) =>
    Math.max(
      weight * onFoot,
      ...coco.map((each) => each.weight * scoreOf(each.index)),
      ...together.map((each) => each.weight * Math.min(...each.indices.map(scoreOf))),
    ),
  );
}

/** scores [places, kinds] → the best score of each kind. */
function bestOfEach(scores: Float32Array, kinds: number): Float32Array {
  const best = new Float32Array(kinds);
  for (let i = 0; i < scores.length; i++) best[i % kinds] = Math.max(best[i % kinds]!, scores[i]!);
  return best;
}

/** The best score of a person who stands, walks or runs. boxes [places, 4]: x0, y0, x1, y1 in 0..1. */
export function personOnFoot(scores: Float32Array, boxes: Float32Array, kinds: number, person = -1): number {
  let best = 0;
  if (person < 0) return best;
  for (let place = 0; place * kinds < scores.length; place++) {
    const score = scores[place * kinds + person]!;
    const [x0, y0, x1, y1] = boxes.subarray(4 * place, 4 * place + 4) as unknown as [number, number, number, number];
    const upright = y1 - y0 >= ON_FOOT.leastHeight && y1 - y0 >= ON_FOOT.leastSlender * (x1 - x0);
    if (score >= LEAST_DETECTION && upright && y1 <= ON_FOOT.lowestFeet) best = Math.max(best, score);
  }
  return best;
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

import { Feature } from '@soundstage/contracts';
import { asFloat32 } from '@soundstage/models';
import { RECIPES, type KnownFeature } from '../features.js';
import type { BranchContext, View } from './branch.js';

/** Flow drawn as a picture, and what the classifier sees in it. */
export interface DrawnFlow {
  /** flow: float32 [pairs, 2, height, width], pixels a frame. */
  add(flow: Float32Array): Promise<void>;
  finish(): Promise<void>;
}

/** Pictures that go through the classifier at once. */
const BATCH = 8;

/** @returns undefined where no feature needs it */
export function drawFlow(
  features: readonly KnownFeature[],
  { models, arrays, signal }: Pick<BranchContext, 'models' | 'arrays' | 'signal'>,
  { width, height }: View,
): DrawnFlow | undefined {
  const stored = features.includes(Feature.FLOW_IMAGE);
  const seen = features.includes(Feature.FLOW_RGB);
  if (!stored && !seen) return undefined;
  const painter = models.of('flow_image');
  const classifier = seen ? models.of('classifier') : undefined;
  const output = RECIPES[Feature.FLOW_RGB].output!;
  const pairLength = 2 * height * width;
  let begun = false;

  async function draw(flow: Float32Array, store: boolean): Promise<void> {
    const dims = [flow.length / pairLength, 2, height, width];
    const outputs = [...(store ? ['image'] : []), ...(classifier ? ['picture'] : [])];
    const { image, picture } = await painter.run({ flow: { dims, data: flow } }, { signal, outputs });
    if (store) await arrays.append(Feature.FLOW_IMAGE, asFloat32(image));
    if (!classifier) return;
    const made = await classifier.run({ frames: picture! }, { signal, outputs: [output] });
    await arrays.append(Feature.FLOW_RGB, asFloat32(made[output]));
  }

  /** Nothing leads to the first frame: it stands still. */
  async function begin(): Promise<void> {
    begun = true;
    if (classifier) await draw(new Float32Array(pairLength), false);
  }

  return {
    async add(flow) {
      if (!begun) await begin();
      for (let at = 0; at < flow.length; at += BATCH * pairLength) {
        await draw(flow.subarray(at, at + BATCH * pairLength), stored);
      }
    },
    async finish() {
      if (!begun) await begin();
    },
  };
}

import { Feature } from '@soundstage/contracts';
import { createFaceModel, FACE_BATCH, FACE_SIDE, type DetectedFace } from '@soundstage/faces';
import { asFloat32, type ModelCard, type Tensor } from '@soundstage/models';
import { RECIPES, type KnownFeature } from '../features.js';
import { sizesOf } from '../feature-models.js';
import { createBatches, type FrameBatch } from './batches.js';
import type { Branch, BranchContext, View } from './branch.js';
import { drawFlow } from './draw-flow.js';
import { faceRow } from './face-row.js';

/** Frames that go through a model at once. */
const GREY_BATCH = 33;
const CLASSIFIER_BATCH = 8;

/**
 * What the frames must go through for the asked features; features of one model share its runs.
 *
 * @param onFaces gets the faces of each frame in turn, where features of the face are asked for
 */
export function branchesFor(
  features: readonly KnownFeature[],
  context: BranchContext,
  onFaces: (faces: DetectedFace[]) => void,
): Branch[] {
  const wanted = (...some: KnownFeature[]) => some.filter((feature) => features.includes(feature));
  const branches: Branch[] = [];
  if (wanted(Feature.MOTION).length > 0) branches.push(motionBranch(context));
  const ofFlow = wanted(Feature.FLOW, Feature.FLOW_IMAGE, Feature.FLOW_RGB);
  if (ofFlow.length > 0) branches.push(flowBranch(ofFlow, context));
  const ofPicture = wanted(Feature.RGB, Feature.RGB_MAP);
  if (ofPicture.length > 0) branches.push(classifierBranch(ofPicture, context));
  const ofFace = wanted(Feature.FACE, Feature.LIPS, Feature.LIP_FLOW);
  if (ofFace.length > 0) branches.push(faceBranch(ofFace.includes(Feature.FACE), context, onFaces));
  return branches;
}

function motionBranch({ models, arrays, signal }: BranchContext): Branch {
  const model = models.of('motion');
  const output = RECIPES[Feature.MOTION].output!;
  const view = viewOf(model.card);
  const batches = createBatches({
    size: GREY_BATCH,
    pairs: true,
    async work(batch) {
      // Relative to the first: float32 seconds lose milliseconds after some hours.
      const timesS = Float32Array.from(batch.timesS, (timeS) => timeS - batch.timesS[0]!);
      const inputs = { frames: framesTensor(batch, view), times_s: { dims: [batch.count], data: timesS } };
      const made = await model.run(inputs, { signal, outputs: [output] });
      await arrays.append(Feature.MOTION, asFloat32(made[output]));
    },
  });
  return { view, ...batches };
}

function flowBranch(features: readonly KnownFeature[], { models, arrays, signal }: BranchContext): Branch {
  const model = models.of('flow');
  const view = viewOf(model.card);
  const drawn = drawFlow(features, { models, arrays, signal }, view);
  const batches = createBatches({
    size: GREY_BATCH,
    pairs: true,
    async work(batch) {
      const made = await model.run({ frames: framesTensor(batch, view) }, { signal, outputs: ['flow'] });
      const flow = asFloat32(made['flow']);
      if (features.includes(Feature.FLOW)) await arrays.append(Feature.FLOW, flow);
      await drawn?.add(flow);
    },
  });
  return {
    view,
    add: batches.add,
    async finish() {
      await batches.finish();
      await drawn?.finish();
    },
  };
}

function classifierBranch(features: readonly KnownFeature[], { models, arrays, signal }: BranchContext): Branch {
  const model = models.of('classifier');
  const view = viewOf(model.card);
  const outputs = features.map((feature) => RECIPES[feature].output!);
  const batches = createBatches({
    size: CLASSIFIER_BATCH,
    pairs: false,
    async work(batch) {
      const made = await model.run({ frames: framesTensor(batch, view) }, { signal, outputs });
      for (const feature of features) await arrays.append(feature, asFloat32(made[RECIPES[feature].output!]));
    },
  });
  return { view, ...batches };
}

function faceBranch(
  stored: boolean,
  { models, arrays, video, signal }: BranchContext,
  onFaces: (faces: DetectedFace[]) => void,
): Branch {
  const model = createFaceModel(models.of('face'));
  const view: View = { width: FACE_SIDE, height: FACE_SIDE, pixelFormat: 'rgb24', fit: 'contain' };
  const frameBytes = FACE_SIDE * FACE_SIDE * 3;
  const batches = createBatches({
    size: FACE_BATCH,
    pairs: false,
    async work({ count, pixels }) {
      const frames = Array.from({ length: count }, (_, n) => pixels.subarray(n * frameBytes, (n + 1) * frameBytes));
      for (const faces of await model.detect(frames, video, signal)) {
        const sure = faces.filter(({ score }) => score >= model.threshold);
        onFaces(sure);
        if (stored) await arrays.append(Feature.FACE, faceRow(sure[0], video));
      }
    },
  });
  return { view, ...batches };
}

/** The view that a model takes as `frames`: [N, height, width] is grey, [N, height, width, 3] is RGB. */
function viewOf(card: ModelCard): View {
  const [, height, width, channels] = sizesOf(
    card,
    card.inputs.find(({ name }) => name === 'frames')!,
  );
  return { width: width!, height: height!, pixelFormat: channels === undefined ? 'gray' : 'rgb24' };
}

function framesTensor({ count, pixels }: FrameBatch, { width, height, pixelFormat }: View): Tensor {
  return { dims: [count, height, width, ...(pixelFormat === 'gray' ? [] : [3])], data: pixels };
}

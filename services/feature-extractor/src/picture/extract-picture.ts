import { Feature } from '@soundstage/contracts';
import type { DetectedFace } from '@soundstage/faces';
import type { Extraction } from '../extraction.js';
import type { KnownFeature } from '../features.js';
import type { View } from './branch.js';
import { branchesFor } from './branches.js';
import { extractMouth } from './extract-mouth.js';
import { framesOf, type PictureOf } from './frames.js';

/**
 * Writes the rows of the picture's features. The picture is decoded once for all; once more where the mouth is to be
 * cut out, since only then it is known where the face stays.
 *
 * @throws BAD_INPUT for pictures that can't be decoded
 */
export async function extractPicture(
  picture: PictureOf,
  features: readonly KnownFeature[],
  { models, arrays, signal, onProgress }: Extraction,
): Promise<void> {
  const { video, durationS } = picture.info;
  const ofMouth = features.filter((feature) => feature === Feature.LIPS || feature === Feature.LIP_FLOW);
  const firstShare = ofMouth.length > 0 ? 0.5 : 1;
  const faces: DetectedFace[][] = [];
  const branches = branchesFor(features, { models, arrays, video, signal }, (found) => {
    if (ofMouth.length > 0) faces.push(found);
  });
  const views = distinct(branches.map(({ view }) => view));
  const takers = views.map((view) => branches.filter((branch) => same(branch.view, view)));
  for await (const { at, timeS, data } of framesOf(picture, views)) {
    for (const branch of takers[at]!) await branch.add(data, timeS);
    if (durationS > 0) onProgress(firstShare * Math.min(1, timeS / durationS));
  }
  for (const branch of branches) await branch.finish();
  if (ofMouth.length === 0) return;
  await extractMouth(picture, ofMouth, faces, {
    models,
    arrays,
    signal,
    onProgress: (share) => onProgress(firstShare + (1 - firstShare) * share),
  });
}

function distinct(views: readonly View[]): View[] {
  return views.filter((view, n) => views.findIndex((other) => same(other, view)) === n);
}

function same(a: View, b: View): boolean {
  return a.width === b.width && a.height === b.height && a.pixelFormat === b.pixelFormat && a.fit === b.fit;
}

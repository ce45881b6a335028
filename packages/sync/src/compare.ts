import { KEPT_POINTS } from '@soundstage/faces';
import { asFloat32, float32, type ModelOnUse } from '@soundstage/models';
import type { Heard } from './listen.js';
import type { LipRun } from './lip-runs.js';
import { BANDS, HOPS_PER_FRAME } from './model-clock.js';

/**
 * How well a stretch of lips agrees with the sound at each lag.
 *
 * @param reach hops to each side; lag k is (k − reach) hops, positive where the sound comes late
 * @returns [frames, 2 · reach + 1], each row's mean over the lags that are heard is zero
 */
export async function compare(
  model: Pick<ModelOnUse, 'run'>,
  { firstFrame, frames, points }: LipRun,
  heard: Heard,
  reach: number,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const hops = HOPS_PER_FRAME * (frames - 1) + 2 * reach + 1;
  const begin = HOPS_PER_FRAME * firstFrame - reach - heard.firstHop;
  const mel = new Float32Array(hops * BANDS);
  const there = new Float32Array(hops);
  const from = Math.max(0, begin);
  const to = Math.min(heard.there.length, begin + hops);
  if (to > from) {
    mel.set(heard.mel.subarray(from * BANDS, to * BANDS), (from - begin) * BANDS);
    there.set(heard.there.subarray(from, to), from - begin);
  }
  const made = await model.run(
    {
      points: float32(points, frames, KEPT_POINTS.length, 3),
      mel: float32(mel, hops, BANDS),
      heard: float32(there, hops),
    },
    { signal, outputs: ['agreement'] },
  );
  return asFloat32(made['agreement']);
}

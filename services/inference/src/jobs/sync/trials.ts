import { float32 } from '@soundstage/models';
import type { SyncModelName } from '@soundstage/sync';
import { zeros, type Trial } from '../../models/model-trial.js';

/** A second of lips at 25 frames a second, and of sound around it a second to each side at 100 hops a second. */
const FRAMES = 25;
const REACH = 100;
const HOPS = 4 * (FRAMES - 1) + 2 * REACH + 1;
const POINTS = 52;

/** What each model of the job must do in the job's own shapes. */
export const TRIALS: Readonly<Record<SyncModelName, Trial>> = {
  face: {
    inputs: () => ({ frames: zeros(1, 256, 256, 3) }),
    outputs: { scores: [1, -1], boxes: [1, -1, 4], keypoints: [1, -1, 6, 2] },
  },
  lips: { inputs: () => ({ faces: zeros(1, 192, 192, 3) }), outputs: { points: [1, 468, 3], score: [1] } },
  mel_16k: { inputs: () => ({ sound: zeros(1, 16_000) }), outputs: { mel: [1, -1, 80] } },
  speech: {
    inputs: () => ({ sound: zeros(1, 512), before: zeros(1, 64), state: zeros(2, 1, 128) }),
    outputs: { probability: [1, 1, 1] },
  },
  sync: {
    inputs: () => ({
      // Points that lie apart, as those of a face do.
      points: float32(
        Float32Array.from({ length: FRAMES * POINTS * 3 }, (_, i) => 100 + 50 * Math.sin(i)),
        FRAMES,
        POINTS,
        3,
      ),
      mel: zeros(HOPS, 80),
      heard: float32(new Float32Array(HOPS).fill(1), HOPS),
    }),
    outputs: { agreement: [FRAMES, 2 * REACH + 1] },
  },
};

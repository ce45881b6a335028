/** Lip frames a second that the model compares. */
export const FRAME_RATE_HZ = 25;
/** Hops of the mel spectrum a second. */
export const HOP_RATE_HZ = 100;
export const HOPS_PER_FRAME = HOP_RATE_HZ / FRAME_RATE_HZ;
/** Bands of the mel spectrum. */
export const BANDS = 80;
/** Samples a second of the sound that models listen to. */
export const SAMPLE_RATE_HZ = 16000;
/** Step from one lag to the next, ms: a hop. */
export const LAG_MS = 1000 / HOP_RATE_HZ;

/** Hops that an offset range reaches to each side. */
export const reachOf = (rangeS: number): number => Math.round(rangeS * HOP_RATE_HZ);

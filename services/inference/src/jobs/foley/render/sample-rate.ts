/** Everything sounds at this rate, in stereo, interleaved. */
export const SAMPLE_RATE_HZ = 48_000;

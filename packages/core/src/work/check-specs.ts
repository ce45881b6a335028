import { Feature, type PreprocessingSpec } from '@soundstage/contracts';
import { badInput, SoundstageError } from '../errors.js';

/*
 * Checks of specs that more than one service takes: the one that does the work, and the one before it in the pipeline,
 * which refuses a wrong follow-up at once rather than starting work whose second half must fail.
 */

/** The profiles that a preprocessor knows; what they are stands in its table. */
export const PREPROCESSING_PROFILES = ['regnet', 'pixels', 'sync', 'desync', 'describe'] as const;
export type PreprocessingProfile = (typeof PREPROCESSING_PROFILES)[number];

const MAX_FRAME_RATE = 240;
const SIDE_PIXELS = { min: 16, max: 8192 };
const SAMPLE_RATES_HZ = { min: 4000, max: 192_000 };
const MAX_SECONDS = 3600;
const MAX_START_S = 4 * 3600;

/**
 * Checks everything but the clip.
 *
 * @param field where the spec stands in the request, for the error
 * @throws BAD_INPUT that lists every wrong field
 */
export function checkPreprocessing(spec: PreprocessingSpec, field: string): void {
  const { startS, durationS, frameRate, width, height, sampleRateHz } = spec;
  const free = spec.profile === '';
  const within = (value: number, min: number, max: number) => value >= min && value <= max;
  const side = (value: number) => within(value, SIDE_PIXELS.min, SIDE_PIXELS.max) && value % 2 === 0;
  const problems: [wrong: boolean, name: string, should: string][] = [
    [!within(startS, 0, MAX_START_S), 'start_s', `is ${startS}; it must be 0 to ${MAX_START_S} s`],
    [
      !within(durationS, 0, MAX_SECONDS),
      'duration_s',
      `is ${durationS}; it must be 0 (to the end) to ${MAX_SECONDS} s`,
    ],
    [
      !free && !(PREPROCESSING_PROFILES as readonly string[]).includes(spec.profile),
      'profile',
      `is ${JSON.stringify(spec.profile.slice(0, 40))}; it must be one of ${PREPROCESSING_PROFILES.join(', ')}, or empty`,
    ],
    ...(free ? [] : ownedByProfile(spec)),
    [
      spec.profile === 'pixels' && spec.thenExtract.some((feature) => !isSoundFeature(feature)),
      'then_extract',
      'names features of the picture, which need a video, and the profile pixels gives frames: name features of the sound',
    ],
    [
      free && !(frameRate > 0 && frameRate <= MAX_FRAME_RATE),
      'frame_rate',
      `is ${frameRate}; it must be above 0 and at most ${MAX_FRAME_RATE} frames a second, for example 25`,
    ],
    [
      free && !side(width),
      'width',
      `is ${width}; it must be an even number of pixels from ${SIDE_PIXELS.min} to ${SIDE_PIXELS.max}`,
    ],
    [
      free && !side(height),
      'height',
      `is ${height}; it must be an even number of pixels from ${SIDE_PIXELS.min} to ${SIDE_PIXELS.max}`,
    ],
    [
      free && !within(sampleRateHz, SAMPLE_RATES_HZ.min, SAMPLE_RATES_HZ.max),
      'sample_rate_hz',
      `is ${sampleRateHz}; it must be ${SAMPLE_RATES_HZ.min} to ${SAMPLE_RATES_HZ.max} Hz`,
    ],
  ];
  const violations = problems
    .filter(([wrong]) => wrong)
    .map(([, name, should]) => ({ field: `${field}.${name}`, description: should }));
  if (violations.length > 0) {
    const sentence = violations.map((v) => `${v.field} ${v.description}`).join('; ');
    throw new SoundstageError('BAD_INPUT', `${sentence}.`, { violations });
  }
  if (spec.thenExtract.length > 0) checkFeatures(spec.thenExtract, `${field}.then_extract`);
}

/** What a profile sets itself, and a request can't. */
function ownedByProfile(spec: PreprocessingSpec): [wrong: boolean, name: string, should: string][] {
  const { frameRate, width, height, sampleRateHz } = spec;
  const given = { frame_rate: frameRate, width, height, sample_rate_hz: sampleRateHz };
  return Object.entries(given).map(([name, value]) => [
    value !== 0,
    name,
    `is ${value}; leave it out where a profile is given`,
  ]);
}

/** Features that come from the sound; the others come from the picture. */
const SOUND_FEATURES: ReadonlySet<Feature> = new Set([
  Feature.MEL_22K,
  Feature.MEL_16K,
  Feature.STFT_11K,
  Feature.MFCC,
  Feature.ZERO_CROSSINGS,
  Feature.SPEECH,
]);

export function isSoundFeature(feature: Feature): boolean {
  return SOUND_FEATURES.has(feature);
}

/** @throws BAD_INPUT for no feature at all, an unknown one, or one that is asked for twice */
export function checkFeatures(features: readonly Feature[], field: string): void {
  const known = Object.values(Feature).filter(
    (feature): feature is Feature =>
      typeof feature === 'number' && feature !== Feature.UNSPECIFIED && feature !== Feature.UNRECOGNIZED,
  );
  if (features.length === 0 || features.some((feature) => !known.includes(feature))) {
    const names = known.map((feature) => `FEATURE_${Feature[feature]}`);
    throw badInput(`${field} must name one or more of ${names.join(', ')}.`, field);
  }
  if (new Set(features).size !== features.length) throw badInput(`${field} names a feature twice.`, field);
}

/** @throws BAD_INPUT for a frame rate that pictures are not taken at */
export function checkFrameRate(frameRate: number, field: string): void {
  if (frameRate === 0 || (frameRate > 0 && frameRate <= MAX_FRAME_RATE)) return;
  throw badInput(
    `${field} is ${frameRate}; it must be 0 (the clip's own) or up to ${MAX_FRAME_RATE} frames a second.`,
    field,
  );
}

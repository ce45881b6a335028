import { asFloat32, float32, type OpenModel } from '@soundstage/models';
import { seededRandom } from '../render/random.js';
import { cutOverlapping, joinOverlapping, type Piece } from './overlapping.js';
import { frameCount, FRAME_RATE_HZ, VISUAL_WIDTH } from './visual.js';
import { createWaveFile } from './wave-file.js';

/** The models that turn what is seen into sound. */
export interface SoundingModels {
  regnet: OpenModel;
  /** `vocoder` or `griffin_lim`: both take and give the same. */
  vocoder: OpenModel;
}

export const NET_RATE_HZ = 22_050;
const HOP_SAMPLES = 256;
const HOPS_PER_FRAME = NET_RATE_HZ / FRAME_RATE_HZ / HOP_SAMPLES;
const MEL_BANDS = 80;
/** The net was trained on 10 s; what two windows share is drawn by both, and one goes over into the other. */
export const WINDOW_FRAMES = 215;
const SHARED_FRAMES = 43;
/** Sound is made in pieces of 5 s, each with 0.37 s more to both sides, so that memory is that of one piece. */
const PIECE_HOPS = 430;
const CONTEXT_HOPS = 32;
const FADE_HOPS = 8;
/** Convolutions need some length; what is shorter is lengthened for the run. */
const LEAST_FRAMES = 8;
const LEAST_HOPS = 32;
const END_FADE_S = 0.03;
/** How far two takes see the same picture differently; see variation(). */
const VARIATION = 0.15;

/** One soundtrack that is made while the film is looked at. */
export interface Take {
  /** rows: the next frames, [frames, VISUAL_WIDTH]. */
  add(rows: Float32Array): Promise<void>;
  /** Afterwards the sound lies at the path: mono at NET_RATE_HZ, as long as the film to half a frame. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/**
 * regnet: visual [1, T, 2560] → mel [1, 4·T, 80]; vocoder: mel [1, hops, 80] → sound [1, 256·hops]. Long films go through
 * in windows that overlap; the mel spectrum of one goes over into that of the next, and so does the sound.
 *
 * path: of a file that isn't there yet.
 */
export async function createTake(
  path: string,
  models: SoundingModels,
  options: { seed: number; durationS: number; signal?: AbortSignal | undefined },
): Promise<Take> {
  const { signal } = options;
  const file = await createWaveFile(path, NET_RATE_HZ);
  const gains = variation(options.seed);
  const windows = cutOverlapping({ width: VISUAL_WIDTH, size: WINDOW_FRAMES, overlap: SHARED_FRAMES });
  const sharedHops = SHARED_FRAMES * HOPS_PER_FRAME;
  const mel = joinOverlapping({ width: MEL_BANDS, overlap: sharedHops, fade: sharedHops });
  const pieces = cutOverlapping({ width: MEL_BANDS, size: PIECE_HOPS + 2 * CONTEXT_HOPS, overlap: 2 * CONTEXT_HOPS });
  const samplesOf = (hops: number): number => hops * HOP_SAMPLES;
  const sound = joinOverlapping({
    width: 1,
    overlap: samplesOf(2 * CONTEXT_HOPS),
    fade: samplesOf(FADE_HOPS),
    keepPower: true,
  });
  const end = endFade(
    Math.min(Math.round(options.durationS * NET_RATE_HZ), samplesOf(frameCount(options.durationS) * HOPS_PER_FRAME)),
  );

  const draw = async ({ data, rows }: Piece): Promise<Float32Array> => {
    const frames = Math.max(LEAST_FRAMES, rows);
    const visual = new Float32Array(frames * VISUAL_WIDTH);
    for (let frame = 0; frame < frames; frame++) {
      const from = Math.min(frame, rows - 1) * VISUAL_WIDTH;
      for (let i = 0; i < VISUAL_WIDTH; i++) visual[frame * VISUAL_WIDTH + i] = gains[i]! * data[from + i]!;
    }
    const answer = await models.regnet.run(
      { visual: float32(visual, 1, frames, VISUAL_WIDTH) },
      { signal, outputs: ['mel'] },
    );
    return asFloat32(answer['mel']).subarray(0, rows * HOPS_PER_FRAME * MEL_BANDS);
  };

  const voice = async ({ data, rows }: Piece): Promise<Float32Array> => {
    const hops = Math.max(LEAST_HOPS, rows);
    const spectrum = new Float32Array(hops * MEL_BANDS);
    spectrum.set(data);
    const answer = await models.vocoder.run(
      { mel: float32(spectrum, 1, hops, MEL_BANDS) },
      { signal, outputs: ['sound'] },
    );
    return asFloat32(answer['sound']).subarray(0, samplesOf(rows));
  };

  const sing = async (spoken: readonly Piece[]): Promise<void> => {
    for (const piece of spoken) await file.append(end(sound.add(await voice(piece), piece.last)));
  };

  return {
    async add(rows) {
      for (const window of windows.add(rows)) await sing(pieces.add(mel.add(await draw(window), window.last)));
    },
    async finish() {
      for (const window of windows.finish()) await sing(pieces.add(mel.add(await draw(window), window.last)));
      await sing(pieces.finish());
      await file.finish();
    },
    close: () => file.close(),
  };
}

/**
 * The nets know no chance. What differs from seed to seed is how much each number of the picture's description counts: a
 * gain for each, the same for the whole film, so that nothing flickers.
 */
function variation(seed: number): Float32Array {
  const random = seededRandom(seed, 'regnet');
  return Float32Array.from({ length: VISUAL_WIDTH }, () => 1 + random.between(-VARIATION, VARIATION));
}

/** Cuts the sound where the film ends, and fades it out there. */
function endFade(totalSamples: number): (samples: Float32Array) => Float32Array {
  const fadeSamples = END_FADE_S * NET_RATE_HZ;
  let at = 0;
  return (samples) => {
    const kept = samples.slice(0, Math.max(0, totalSamples - at));
    for (let i = Math.max(0, Math.floor(totalSamples - fadeSamples) - at); i < kept.length; i++)
      kept[i]! *= Math.min(1, (totalSamples - at - i) / fadeSamples);
    at += kept.length;
    return kept;
  };
}

import { decodeAudio, type MediaInfo, type MediaLimits } from '@soundstage/media';
import { asFloat32, float32, type ModelOnUse } from '@soundstage/models';
import { BANDS, FRAME_RATE_HZ, HOP_RATE_HZ, SAMPLE_RATE_HZ } from './model-clock.js';

/** What is heard in a part of a film. */
export interface Heard {
  /** Hop of `mel`'s first row, counted from the file's zero at HOP_RATE_HZ. */
  firstHop: number;
  /** [hops, BANDS]. */
  mel: Float32Array;
  /** [hops]: 1 where the file has sound, 0 before it begins and after it ends. */
  there: Float32Array;
  /** How likely somebody speaks in a frame of FRAME_RATE_HZ, counted from the file's zero. 0 outside of this part. */
  speechAt: (frame: number) => number;
  speechThreshold: number;
}

/** The models that listen. */
export interface Ears {
  mel: Pick<ModelOnUse, 'card' | 'run'>;
  speech: Pick<ModelOnUse, 'card' | 'run'>;
}

/** Samples of a block of the speech model. */
const SPEECH_BLOCK = 512;
/** Samples before a piece that the speech model is handed. */
const SPEECH_BEFORE = 64;

/**
 * Hears a part of a film: its mel spectrum and where somebody speaks.
 *
 * @param span seconds after the file's zero; what lies outside of the file is left out
 */
export async function listen(
  path: string,
  span: { startS: number; endS: number },
  ears: Ears,
  options: { info: MediaInfo; limits?: Partial<MediaLimits> | undefined; signal?: AbortSignal | undefined },
): Promise<Heard> {
  const { info, signal } = options;
  const startS = Math.max(0, Math.floor(span.startS * FRAME_RATE_HZ) / FRAME_RATE_HZ);
  const sound = await soundOf(path, { startS, durationS: span.endS - startS }, options);
  const firstHop = Math.round(startS * HOP_RATE_HZ);
  const [mel, speech] = await Promise.all([melOf(sound, ears.mel, signal), speechOf(sound, ears.speech, signal)]);
  const begins = (info.audio?.startS ?? 0) * HOP_RATE_HZ;
  const there = Float32Array.from({ length: mel.length / BANDS }, (_, hop) => (firstHop + hop >= begins ? 1 : 0));
  return {
    ...{ firstHop, mel, there, speechThreshold: Number(ears.speech.card['threshold']) },
    speechAt(frame) {
      const block = Math.floor(((frame + 0.5) / FRAME_RATE_HZ - startS) * (SAMPLE_RATE_HZ / SPEECH_BLOCK));
      return speech[block] ?? 0;
    },
  };
}

async function soundOf(
  path: string,
  part: { startS: number; durationS: number },
  { info, limits, signal }: Parameters<typeof listen>[3],
): Promise<Float32Array> {
  const blocks: Float32Array[] = [];
  let length = 0;
  const from = part.startS > 0 ? { startS: part.startS } : {};
  for await (const block of decodeAudio(path, {
    ...{ sampleRateHz: SAMPLE_RATE_HZ, channels: 1, durationS: part.durationS, info, signal, ...from },
    ...(limits ? { limits } : {}),
  })) {
    blocks.push(block);
    length += block.length;
  }
  const sound = new Float32Array(length);
  let at = 0;
  for (const block of blocks) {
    sound.set(block, at);
    at += block.length;
  }
  return sound;
}

async function melOf(sound: Float32Array, model: Ears['mel'], signal: AbortSignal | undefined): Promise<Float32Array> {
  if (sound.length === 0) return new Float32Array(0);
  const made = await model.run({ sound: float32(sound, 1, sound.length) }, { signal, outputs: ['mel'] });
  return asFloat32(made['mel']);
}

async function speechOf(
  sound: Float32Array,
  model: Ears['speech'],
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  if (sound.length === 0) return new Float32Array(0);
  const made = await model.run(
    {
      sound: float32(sound, 1, sound.length),
      before: float32(new Float32Array(SPEECH_BEFORE), 1, SPEECH_BEFORE),
      state: float32(new Float32Array(2 * 128), 2, 1, 128),
    },
    { signal, outputs: ['probability'] },
  );
  return asFloat32(made['probability']);
}

import { badInput } from '@soundstage/core';
import { decodeAudio, type MediaInfo } from '@soundstage/media';
import { asFloat32, float32, type ModelCard, type ModelOnUse, type Tensor } from '@soundstage/models';
import { RECIPES, type KnownFeature } from '../features.js';
import type { FeatureModels } from '../feature-models.js';
import type { Extraction } from '../extraction.js';
import { createPieces, type Pieces } from './pieces.js';

/** A file with sound. */
export interface SoundOf {
  path: string;
  info: MediaInfo;
  signal: AbortSignal;
}

/** What a sound model's card says of time. */
export interface SoundClock {
  sampleRateHz: number;
  hopSamples: number;
  contextHops: number;
}

/** Sound that goes through a model at once; long sound takes no more memory than this. */
const PIECE_S = 20;

/** @throws INTERNAL where the card doesn't say it */
export function clockOf(card: ModelCard): SoundClock {
  const number = (name: string) => {
    const value = card[name];
    if (typeof value === 'number' && value >= 0) return value;
    throw new TypeError(`The card of ${card.name}/${card.version} has no ${name}.`);
  };
  return {
    sampleRateHz: number('sample_rate_hz'),
    hopSamples: number('hop_samples'),
    contextHops: number('context_hops'),
  };
}

/** Rows a second of a sound feature. */
export function soundRateHz(feature: KnownFeature, models: FeatureModels): number {
  const { sampleRateHz, hopSamples } = clockOf(models.of(RECIPES[feature].models[0]!).card);
  return sampleRateHz / hopSamples;
}

/**
 * Writes the rows of the sound's features. The sound is decoded once for each sample rate.
 *
 * @throws BAD_INPUT for sound that can't be decoded, or has no sample
 */
export async function extractSound(
  sound: SoundOf,
  features: readonly KnownFeature[],
  extraction: Extraction,
): Promise<void> {
  const rateOf = (feature: KnownFeature) =>
    clockOf(extraction.models.of(RECIPES[feature].models[0]!).card).sampleRateHz;
  const ratesHz = [...new Set(features.map(rateOf))];
  for (const [n, sampleRateHz] of ratesHz.entries()) {
    const some = features.filter((feature) => rateOf(feature) === sampleRateHz);
    const takers = some.map((feature) => piecesOf(feature, extraction));
    let samples = 0;
    for await (const block of decodeAudio(sound.path, {
      sampleRateHz,
      channels: 1,
      info: sound.info,
      signal: sound.signal,
    })) {
      for (const taker of takers) await taker.add(block);
      samples += block.length;
      const share = Math.min(1, samples / sampleRateHz / sound.info.durationS || 0);
      extraction.onProgress((n + share) / ratesHz.length);
    }
    if (samples === 0) throw badInput(`The sound of ${sound.info.name} is empty.`, 'spec.clip');
    for (const taker of takers) await taker.finish();
  }
}

function piecesOf(feature: KnownFeature, { models, arrays, signal }: Extraction): Pieces {
  const { models: names, output } = RECIPES[feature];
  const model = models.of(names[0]!);
  const { sampleRateHz, hopSamples, contextHops } = clockOf(model.card);
  const rowLength = models.rowShapeOf(feature).reduce((product, side) => product * side, 1);
  const run = soundRun(model, output!, signal);
  return createPieces({
    hopSamples,
    contextHops,
    pieceHops: Math.ceil((PIECE_S * sampleRateHz) / hopSamples),
    centred: model.card.outputs.find(({ name }) => name === output)?.shape[1] !== 'blocks',
    async work(sound, first, count) {
      const rows = await run(sound);
      await arrays.append(feature, rows.slice(first * rowLength, (first + count) * rowLength));
    },
  });
}

/**
 * Runs a sound model on one piece after the other. What a model with memory wants handed on, the samples `before` a piece
 * and its `state`, is zeros for the first one.
 *
 * @returns the rows of a piece, one after the other
 */
export function soundRun(
  model: Pick<ModelOnUse, 'card' | 'run'>,
  output: string,
  signal?: AbortSignal,
): (sound: Float32Array) => Promise<Float32Array> {
  const carried: Record<string, Tensor> = {};
  for (const input of model.card.inputs.filter(({ name }) => name !== 'sound')) {
    const dims = input.shape.map((side) => (typeof side === 'number' ? side : 1));
    carried[input.name] = float32(new Float32Array(dims.reduce((product, side) => product * side, 1)), ...dims);
  }
  const outputs = [output, ...('state' in carried ? ['state_after'] : [])];
  return async (sound) => {
    const made = await model.run({ sound: float32(sound, 1, sound.length), ...carried }, { signal, outputs });
    if (made['state_after']) carried['state'] = made['state_after'];
    if (carried['before']) {
      const joined = Float32Array.of(...asFloat32(carried['before']), ...sound.slice(-carried['before'].dims[1]!));
      carried['before'] = float32(joined.slice(-carried['before'].dims[1]!), 1, carried['before'].dims[1]!);
    }
    return asFloat32(made[output]);
  };
}

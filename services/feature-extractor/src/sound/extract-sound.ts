import { badInput } from '@soundstage/core';
import { decodeAudio, type MediaInfo } from '@soundstage/media';
import { asFloat32, type ModelCard } from '@soundstage/models';
import { RECIPES, type KnownFeature } from '../features.js';
import type { FeatureModels } from '../feature-models.js';
import type { Extraction } from '../picture/extract-picture.js';
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
  return createPieces({
    hopSamples,
    contextHops,
    pieceHops: Math.ceil((PIECE_S * sampleRateHz) / hopSamples),
    async work(sound, first, count) {
      const made = await model.run({ sound: { dims: [1, sound.length], data: sound } }, { signal, outputs: [output!] });
      const rows = asFloat32(made[output!]);
      await arrays.append(feature, rows.slice(first * rowLength, (first + count) * rowLength));
    },
  });
}

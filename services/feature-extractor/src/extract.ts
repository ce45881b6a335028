import { badInput } from '@soundstage/core';
import { asFloat32, type OpenModel, type Tensor } from '@soundstage/models';
import type { FeatureRecipe } from './feature-models.js';
import { createNpyWriter, type NpyWriter } from './npy.js';

/** Turns the frames of one view into the rows of one feature, batch by batch, while the next frames are decoded. */
export interface Extraction {
  /** frame: as the recipe's view says, 8 bit. Waits only while the model is a whole batch behind. */
  add(frame: Uint8Array, timeS: number): Promise<void>;
  /** @returns the array's shape @throws BAD_INPUT when there were too few frames */
  finish(): Promise<number[]>;
  abandon(): Promise<void>;
}

export interface ExtractionOptions {
  recipe: FeatureRecipe;
  model: OpenModel;
  /** Where the .npy file is written. */
  path: string;
  maxBytes: number;
  signal: AbortSignal;
}

export function createExtraction({ recipe, model, path, maxBytes, signal }: ExtractionOptions): Extraction {
  const { width, height, pixelFormat } = recipe.view;
  const channels = pixelFormat === 'gray' ? [] : [3];
  const frameBytes = width * height * (channels[0] ?? 1);
  let writer: NpyWriter | undefined;
  let frames: Uint8Array[] = [];
  let timesS: number[] = [];
  let lastS = -Infinity;
  let running: Promise<void> = Promise.resolve();

  async function run(batch: Uint8Array[], times: number[]): Promise<void> {
    const pixels = new Uint8Array(batch.length * frameBytes);
    batch.forEach((frame, i) => pixels.set(frame, i * frameBytes));
    const inputs: Record<string, Tensor> = {
      frames: { dims: [batch.length, height, width, ...channels], data: pixels },
    };
    // Relative to the first: float32 seconds lose milliseconds after some hours.
    if (recipe.timed) {
      inputs['times_s'] = { dims: [times.length], data: Float32Array.from(times, (timeS) => timeS - (times[0] ?? 0)) };
    }
    const output = (await model.run(inputs, { signal }))[recipe.output];
    const rows = asFloat32(output);
    writer ??= await createNpyWriter(path, output!.dims.slice(1));
    if (writer.bytesWritten() + rows.byteLength > maxBytes) {
      throw badInput(
        `The ${recipe.name} features are larger than the limit of ${maxBytes} bytes: cut the clip shorter, or raise SOUNDSTAGE_FEATURE_BYTES.`,
        'spec.clip',
      );
    }
    await writer.append(rows);
  }

  async function flush(): Promise<void> {
    const [batch, times] = [frames, timesS];
    frames = recipe.pairs ? batch.slice(-1) : [];
    timesS = recipe.pairs ? times.slice(-1) : [];
    await running;
    running = run(batch, times);
    running.catch(() => undefined); // awaited by the next flush or by finish()
  }

  return {
    async add(frame, timeS) {
      if (timeS <= lastS) return; // the clock of a broken file stands still
      lastS = timeS;
      frames.push(frame);
      timesS.push(timeS);
      if (frames.length === recipe.batch) await flush();
    },
    async finish() {
      if (frames.length > (recipe.pairs ? 1 : 0)) await flush();
      await running;
      if (writer) return writer.finish();
      throw badInput(
        `The clip has too few pictures for ${recipe.name} features: it takes ${recipe.pairs ? 'two' : 'one'}.`,
        'spec.clip',
      );
    },
    async abandon() {
      await running.catch(() => undefined);
      await writer?.abandon();
    },
  };
}

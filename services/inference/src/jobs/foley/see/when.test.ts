import { describe, expect, test } from '@jest/globals';
import type { ModelCard, OpenModel, Tensor } from '@soundstage/models';
import type { MotionBatch } from './motion.js';
import { GRID_RATE_HZ, keepTime, type Timing } from './when.js';

const RATE_HZ = 25;

/** A model that hears a blow wherever its only feature is above zero, as strong as the feature says. */
function listener(): { model: OpenModel; rows: number[] } {
  const rows: number[] = [];
  const run = async (inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> => {
    const [features, timesS, gridS] = ['features', 'times_s', 'grid_s'].map(
      (name) => inputs[name]!.data as Float32Array,
    );
    rows.push(timesS!.length);
    const onset = new Float32Array(gridS!.length);
    timesS!.forEach((timeS, i) => {
      const step = Math.round((timeS - gridS![0]!) * GRID_RATE_HZ);
      if (step >= 0 && step < onset.length) onset[step] = Math.max(onset[step]!, features![i]!);
    });
    const tensor: Tensor = { dims: [onset.length], data: onset };
    // As sure as the first time of its window says, so that a test can tell windows apart.
    const trust: Tensor = { dims: [1], data: Float32Array.of(gridS![0]! < 50 ? 0.8 : 0.2) };
    return { onset: tensor, peak: tensor, envelope: { dims: [onset.length], data: Float32Array.from(gridS!) }, trust };
  };
  const card = { name: 'onset', version: 'test', threshold: 0.3, min_gap_s: 0.1 } as unknown as ModelCard;
  const model: OpenModel = {
    card,
    folder: '',
    executionProvider: 'cpu',
    run,
    busyS: () => 0,
    pid: () => undefined,
    close: async () => undefined,
  };
  return { model, rows };
}

/** Motion of a clip in batches of a second: speed as given, a blow's feature at some pairs. */
function* motion(
  durationS: number,
  options: { blows?: [number, number][]; speed?: number; cuts?: number[] } = {},
): Generator<MotionBatch> {
  const { blows = [], speed = 1, cuts = [] } = options;
  for (let fromS = 0; fromS < durationS; fromS++) {
    const timesS = Float32Array.from({ length: RATE_HZ }, (_, i) => fromS + (i + 0.5) / RATE_HZ);
    const near = (timeS: number, whenS: number): boolean => Math.abs(timeS - whenS) <= 0.5 / RATE_HZ;
    yield {
      features: timesS.map((timeS) => blows.find(([whenS]) => near(timeS, whenS))?.[1] ?? 0),
      channels: 1,
      timesS,
      speeds: timesS.map(() => speed),
      sides: new Float32Array(RATE_HZ),
      cuts: Array.from(timesS, (timeS) => cuts.some((whenS) => near(timeS, whenS))),
    };
  }
}

async function timingOf(
  durationS: number,
  options: Parameters<typeof motion>[1] = {},
): Promise<Timing & { rows: number[] }> {
  const { model, rows } = listener();
  const keeper = keepTime(model);
  for (const batch of motion(durationS, options)) await keeper.add(batch);
  return { ...(await keeper.finish(durationS)), rows };
}

describe('when it sounds', () => {
  test('a blow is found once, wherever it lies in a long clip, also where two windows meet', async () => {
    const times = [0.5, 59.98, 60.02, 61.02, 119.9, 120.1, 180.02, 240.5, 299.5];
    const { onsets } = await timingOf(300, { blows: times.map((timeS) => [timeS, 0.9]) });
    const found = onsets.map(({ timeS }) => timeS);
    // 59.98 and 60.02 are closer than the least gap: one of them stays.
    expect(found).toHaveLength(times.length - 1);
    for (const timeS of times) expect(Math.min(...found.map((other) => Math.abs(other - timeS)))).toBeLessThan(0.06);
  });

  test('the memory for a long clip is that of about two minutes', async () => {
    const { rows } = await timingOf(1000);
    expect(rows.length).toBeGreaterThan(10);
    expect(Math.max(...rows)).toBeLessThan(140 * RATE_HZ);
  });

  test('the envelope goes on without a step across windows, and is as long as the clip', async () => {
    const { envelope } = await timingOf(200);
    expect(envelope).toHaveLength(200 * GRID_RATE_HZ);
    expect(envelope.every((value, step) => Math.abs(value - step / GRID_RATE_HZ) < 1e-3)).toBe(true);
  });

  test('what the model is not sure of is no blow', async () => {
    const { onsets } = await timingOf(3, {
      blows: [
        [1, 0.29],
        [2, 0.31],
      ],
    });
    expect(onsets).toHaveLength(1);
  });

  test('the strongest blow has strength 1, others less, none 0', async () => {
    const { onsets } = await timingOf(4, {
      blows: [
        [1, 0.9],
        [2, 0.4],
        [3, 0.5],
      ],
    });
    expect(onsets.map(({ strength }) => strength > 0 && strength <= 1)).toEqual([true, true, true]);
    expect(onsets.map(({ strength }) => strength).indexOf(1)).toBe(0);
  });

  test('a change to another picture is no blow', async () => {
    const { onsets } = await timingOf(4, {
      blows: [
        [1.02, 0.9],
        [2.5, 0.9],
      ],
      cuts: [1.02],
    });
    expect(onsets.map(({ timeS }) => Math.round(timeS * 10) / 10)).toEqual([2.5]);
  });

  test('where nothing moves there is no blow, whatever the model says', async () => {
    const { onsets, trust, movesBetween } = await timingOf(4, { blows: [[1, 0.9]], speed: 0.01 });
    expect({ onsets, trust, moves: movesBetween(0, 4) }).toEqual({ onsets: [], trust: undefined, moves: false });
  });

  test('the trust in a long clip is the mean over its windows, by what was found in each', async () => {
    const { trust } = await timingOf(130, {
      blows: [
        [10.02, 0.9],
        [20.02, 0.9],
        [30.02, 0.9],
        [100.02, 0.9],
      ],
    });
    expect(trust).toBeCloseTo((3 * 0.8 + 0.2) / 4, 5);
  });

  test('cuts are told, and what moves only in one part moves only there', async () => {
    const { cutsS, movesBetween } = await timingOf(4, { cuts: [1.02] });
    expect(cutsS.map((cutS) => Math.round(cutS * 100) / 100)).toEqual([1.02]);
    expect(movesBetween(0, 1)).toBe(true);
    expect(movesBetween(4, 9)).toBe(false);
  });

  test('a model that fails fails the job, also in the middle of a long clip', async () => {
    const { model } = listener();
    const keeper = keepTime({ ...model, run: () => Promise.reject(new Error('broken')) });
    const work = (async () => {
      for (const batch of motion(300)) await keeper.add(batch);
    })();
    await expect(work).rejects.toThrow('broken');
  });
});

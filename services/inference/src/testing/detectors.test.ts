import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '../jobs/foley/render/random.js';
import { detectClicks } from './detect-clicks.js';
import { detectOnsets } from './detect-onsets.js';
import { joinStatistics } from './join-statistics.js';

const RATE_HZ = 48_000;

function stereo(durationS: number, at: (timeS: number, frame: number) => number): Float32Array {
  const pcm = new Float32Array(Math.round(durationS * RATE_HZ) * 2);
  for (let frame = 0; frame < pcm.length / 2; frame++) pcm.fill(at(frame / RATE_HZ, frame), frame * 2, frame * 2 + 2);
  return pcm;
}

function noise(seed: number): () => number {
  const random = seededRandom(seed);
  return () => random.between(-1, 1);
}

/** Noise with most of its power low down, as a room or a river. */
function brown(seed: number): () => number {
  const white = noise(seed);
  let y = 0;
  return () => (y += 0.1 * (white() - y));
}

describe('the onset detector', () => {
  const { sin, exp, PI } = Math;
  const times = [0.2, 0.4567, 0.7001, 1.03333, 1.5, 1.9999];
  const kinds: [string, (since: number, random: () => number, index: number) => number][] = [
    ['tones that ring', (since) => sin(2 * PI * 900 * since) * exp(-since / 0.08)],
    ['dull thuds', (since) => sin(2 * PI * 110 * since) * exp(-since / 0.05)],
    ['bursts of noise', (since, random) => random() * exp(-since / 0.03)],
    [
      'clinks that ring into each other',
      (since, _, index) => sin(2 * PI * (3100 + 230 * index) * since) * exp(-since / 0.4),
    ],
  ];

  test.each(kinds)('finds %s to two milliseconds, also in a soft hiss', (_, sound) => {
    for (const hiss of [0, 0.004]) {
      const [random, white] = [noise(1), noise(2)];
      const pcm = stereo(2.4, (timeS) => {
        let sum = hiss * white();
        times.forEach((time, index) => {
          if (timeS >= time) sum += 0.4 * sound(timeS - time, random, index);
        });
        return sum;
      });
      const found = detectOnsets(pcm, RATE_HZ);
      expect(found).toHaveLength(times.length);
      found.forEach((time, index) => expect(Math.abs(time - times[index]!)).toBeLessThan(0.002));
    }
  });

  test.each<[string, (timeS: number) => number]>([
    ['silence', () => 0],
    ['a steady tone', (timeS) => 0.3 * sin(2 * PI * 440 * (timeS + 3))],
    ['a tone that wavers', (timeS) => 0.3 * sin(2 * PI * 440 * timeS + 3 * sin(2 * PI * 5 * timeS))],
  ])('finds nothing inside %s', (_, sound) => {
    expect(detectOnsets(stereo(2, sound), RATE_HZ).filter((timeS) => timeS > 0.05)).toEqual([]);
  });

  test('tells a blow that came late', () => {
    const late = 0.015;
    const [found] = detectOnsets(
      stereo(1, (timeS) =>
        timeS < 0.5 + late ? 0 : sin(6000 * (timeS - 0.5 - late)) * exp((0.5 + late - timeS) / 0.05),
      ),
      RATE_HZ,
    );
    expect(found! - 0.5).toBeGreaterThan(0.013);
  });
});

describe('the click detector', () => {
  const { sin, exp, PI } = Math;
  const clean: [string, () => (timeS: number) => number][] = [
    ['silence', () => () => 0],
    ['two tones', () => (timeS) => 0.3 * sin(2 * PI * 300 * timeS) + 0.1 * sin(2 * PI * 1234 * timeS)],
    [
      'white noise',
      () =>
        (
          (white) => () =>
            0.2 * white()
        )(noise(3)),
    ],
    [
      'brown noise',
      () =>
        (
          (low) => () =>
            0.6 * low()
        )(brown(3)),
    ],
    [
      'blows that ring',
      () => (timeS) => {
        const since = timeS % 0.31;
        return (
          0.5 * sin(2 * PI * 700 * since) * exp(-since / 0.05) + 0.2 * sin(2 * PI * 4100 * since) * exp(-since / 0.02)
        );
      },
    ],
  ];

  test.each(clean)('hears none in %s', (_, make) => {
    expect(detectClicks(stereo(3, make()))).toEqual([]);
  });

  test.each(clean.filter(([name]) => name !== 'white noise'))('hears one sample that is wrong in %s', (name, make) => {
    const size = name === 'brown noise' ? 0.5 : 0.15; // less would drown
    for (const [frame, by] of [
      [50_001, size],
      [73_211, -size],
    ] as const) {
      const sound = make();
      const found = detectClicks(stereo(3, (timeS, at) => sound(timeS) + (at === frame ? by : 0)));
      expect(found.map(({ channel }) => channel)).toEqual([0, 1]);
      for (const { timeS } of found) expect(Math.abs(timeS - frame / RATE_HZ)).toBeLessThan(1e-4);
    }
  });

  test('hears a piece that was cut out of a tone', () => {
    const jump = stereo(2, (timeS) => 0.3 * sin(2 * PI * 300 * (timeS + (timeS > 1 ? 0.0009 : 0))));
    const found = detectClicks(jump);
    expect(found.length).toBeGreaterThanOrEqual(2);
    for (const { timeS } of found) expect(Math.abs(timeS - 1)).toBeLessThan(1e-3);
  });
});

describe('the statistics of joins', () => {
  const joinTimesS = Array.from({ length: 18 }, (_, i) => 1.5 + 1.5 * i);

  test('see nothing where nothing was joined', () => {
    const low = brown(5);
    const { joins, places, energyStep, flux } = joinStatistics(
      stereo(30, () => 0.5 * low()),
      joinTimesS,
    );
    expect([joins, places > 50]).toEqual([18, true]);
    for (const { standsOut, standardError } of [energyStep, flux])
      expect(Math.abs(standsOut - 0.5)).toBeLessThan(3 * standardError);
  });

  test('see joins that dip', () => {
    const low = brown(5);
    const dip = (timeS: number): number => ((timeS + 0.06) % 1.5 < 0.12 ? 0.6 : 1);
    const { energyStep } = joinStatistics(
      stereo(30, (timeS) => 0.5 * dip(timeS) * low()),
      joinTimesS,
    );
    expect(energyStep.standsOut).toBeGreaterThan(0.9);
  });

  test('see joins where another colour begins', () => {
    const [low, high] = [brown(5), noise(6)];
    const { flux } = joinStatistics(
      stereo(30, (timeS) => 0.5 * low() + (Math.floor(timeS / 1.5) % 2 === 0 ? 0 : 0.1) * high()),
      joinTimesS.filter((timeS) => Math.round(timeS / 1.5) % 2 === 1),
    );
    expect(flux.standsOut).toBeGreaterThan(0.9);
  });
});

import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { longTest } from '@soundstage/core/contract-tests';
import fc from 'fast-check';
import { flashesAndClicks, latenessMs } from './flashes-and-clicks.js';
import { hashVideoPackets, probe, retimeSound, runningProcesses, type SoundPiece } from './index.js';
import { playRuns } from './play-runs.js';
import { findJoins, envelopeOf } from './sound-joins.js';
import { errorOf, ffmpegChildren, H264, makeMedia, testFolder } from './test-media.js';
import { lineOf, pictureAt, runsOf, soundAt } from './time-map.js';

// Each test runs ffmpeg several times, on a machine that may be busy.
jest.setTimeout(180_000);
const folder = testFolder();
const { path } = folder;
const leftovers = () => folder.list().filter((name) => name.startsWith('.soundstage-'));
afterAll(folder.remove);

const RATE_HZ = 8000;
async function* inBlocks(samples: Float32Array): AsyncGenerator<Float32Array, void> {
  for (let at = 0; at < samples.length; at += 1000) yield samples.subarray(at, at + 1000);
}

/** What a mono sound becomes. */
async function retimed(
  samples: Float32Array,
  pieces: readonly SoundPiece[],
  speech: { startS: number; endS: number }[] = [],
) {
  const lines = pieces.map((piece) => lineOf(piece, RATE_HZ));
  const joins = findJoins({ pieces, lines, speech, envelope: await envelopeOf(inBlocks(samples), RATE_HZ) });
  const sound: number[] = [];
  const blocks = playRuns(inBlocks(samples), { runs: runsOf(lines, joins), sampleRateHz: RATE_HZ, channels: 1 });
  for await (const block of blocks) sound.push(...block);
  return { joins, lines, sound };
}

const piece = (startS: number, endS: number, offsetMs: number, driftPpm = 0) => ({ startS, endS, offsetMs, driftPpm });
const lateS = ({ startS, endS, offsetMs, driftPpm }: SoundPiece, timeS: number) =>
  offsetMs / 1000 + driftPpm * 1e-6 * (timeS - (startS + endS) / 2);

/** Pieces with drifts and jumps, each longer than any jump. */
const somePieces = fc
  .array(
    fc.record({
      lengthS: fc.double({ min: 2, max: 40, noNaN: true }),
      offsetMs: fc.double({ min: -800, max: 800, noNaN: true }),
      driftPpm: fc.double({ min: -1000, max: 1000, noNaN: true }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => {
    let endS = 0;
    return parts.map(({ lengthS, offsetMs, driftPpm }) => piece(endS, (endS += lengthS), offsetMs, driftPpm));
  });

describe('the map of time', () => {
  test('goes through the new sound without gaps and never back, and can be followed back', () => {
    fc.assert(
      fc.property(somePieces, (pieces) => {
        const lines = pieces.map((each) => lineOf(each, 48_000));
        const joins = findJoins({ pieces, lines, speech: [], envelope: new Float64Array(0) });
        const runs = runsOf(lines, joins);
        expect(runs[0]?.startS).toBe(0);
        expect(runs.at(-1)?.endS).toBe(Infinity);
        runs.slice(1).forEach((run, k) => expect(run.startS).toBe(runs[k]?.endS));
        let heardS = -Infinity;
        for (const { startS, endS, source } of runs) {
          expect(endS).toBeGreaterThan(startS);
          if (!('slope' in source)) continue;
          expect(soundAt(source, startS)).toBeGreaterThan(heardS - 1e-6);
          expect(pictureAt(source, soundAt(source, startS + 0.1))).toBeCloseTo(startS + 0.1, 9);
          heardS = soundAt(source, endS);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('has each piece’s offset at its middle', () => {
    fc.assert(
      fc.property(somePieces, (pieces) => {
        for (const each of pieces) {
          const line = lineOf(each, 48_000);
          for (const timeS of [each.startS, (each.startS + each.endS) / 2, each.endS])
            expect(Math.abs(soundAt(line, timeS) - timeS - lateS(each, timeS))).toBeLessThan(1.1e-5);
        }
      }),
    );
  });
});

describe('sound that is built anew', () => {
  const noise = (lengthS: number, gain = 0.1) =>
    Float32Array.from({ length: lengthS * RATE_HZ }, (_, n) => gain * Math.sin(n * n * 0.37));

  test('keeps the samples of a piece that needs nothing, and those after a constant offset', async () => {
    const samples = noise(4);
    const { sound } = await retimed(samples, [piece(0, 4, 0)]);
    expect(Float32Array.from(sound)).toEqual(samples);
    const earlier = (await retimed(samples, [piece(0, 4, 500)])).sound;
    expect(Float32Array.from(earlier)).toEqual(samples.subarray(RATE_HZ / 2));
    const later = (await retimed(samples, [piece(0, 4, -500)])).sound;
    expect(Float32Array.from(later.slice(RATE_HZ / 2))).toEqual(samples);
    expect(Math.max(...later.slice(0, RATE_HZ / 2).map(Math.abs))).toBe(0);
  });

  test('resamples drift away with errors below −70 dB', async () => {
    const drift = 1e-3;
    const tone = (timeS: number) => 0.5 * Math.sin(2 * Math.PI * 1000 * timeS);
    const samples = Float32Array.from({ length: 4 * RATE_HZ }, (_, n) => tone(n / RATE_HZ));
    const { sound } = await retimed(samples, [piece(0, 4, 0, drift * 1e6)]);
    let worst = 0;
    for (let n = 400; n < sound.length - 400; n++) {
      const heardS = n / RATE_HZ + drift * (n / RATE_HZ - 2);
      if (heardS > 0.05) worst = Math.max(worst, Math.abs((sound[n] as number) - tone(heardS)));
    }
    expect(worst).toBeLessThan(0.5 * 10 ** (-70 / 20));
  });

  test('joins where it is quiet, outside of speech, and fills with the quiet of that place', async () => {
    const samples = noise(10);
    const quiet = (startS: number, endS: number, gain: number) => {
      for (let n = startS * RATE_HZ; n < endS * RATE_HZ; n++) samples[n]! *= gain;
    };
    quiet(4.2, 4.5, 0.01);
    quiet(6, 6.4, 0.02);
    const pieces = [piece(0, 5, 0), piece(5, 10, -400)];
    const { joins, sound } = await retimed(samples, pieces);
    expect(joins[0]?.leaveS).toBeGreaterThan(4.2);
    expect(joins[0]?.leaveS).toBeLessThan(4.5);
    expect((joins[0]?.enterS ?? 0) - (joins[0]?.leaveS ?? 0)).toBeCloseTo(0.4, 3);
    const filled = sound.slice(Math.round(4.5 * RATE_HZ), Math.round(4.7 * RATE_HZ)).map(Math.abs);
    expect(Math.max(...filled)).toBeLessThan(0.0011);
    expect(Math.max(...filled)).toBeGreaterThan(0.0005);
    const spoken = await retimed(samples, pieces, [{ startS: 3, endS: 5.5 }]);
    expect(spoken.joins[0]?.leaveS).toBeGreaterThan(6);
    expect(spoken.joins[0]?.leaveS).toBeLessThan(6.4);
  });
});

/** Makes a clip whose clicks are late by the pieces' words, takes that out, and tells how late clicks are after. */
async function repaired(name: string, output: string, pieces: readonly SoundPiece[], coding: string[]) {
  const endS = pieces.at(-1)?.endS ?? 0;
  // None within 0.9 s after a break: there the clip's own sound overlaps or lacks.
  const timesS = Array.from({ length: Math.floor(endS) }, (_, n) => n + 0.6).filter((timeS) =>
    pieces.every(({ startS }) => startS === 0 || Math.abs(timeS - startS) > 0.9),
  );
  const heardS = timesS.map((timeS) => timeS + lateS(pieces.find((each) => timeS < each.endS) as SoundPiece, timeS));
  makeMedia(...flashesAndClicks(timesS, heardS, endS), ...coding, '-ac', '2', path(name));
  const { warnings } = await retimeSound({ path: path(name), outputPath: path(output), pieces });
  expect(await hashVideoPackets(path(output))).toBe(await hashVideoPackets(path(name)));
  const late = await latenessMs(path(output));
  expect(late).toHaveLength(timesS.length);
  return { warnings, worstMs: Math.max(...late.map(Math.abs)) };
}

describe('retimeSound', () => {
  const SHORT = [piece(0, 4, 0), piece(4, 8, 300, 200), piece(8, 12, -200), piece(12, 16, 90, -300)];
  const AAC = [...H264, '-c:a', 'aac', '-b:a', '160k'];

  test('takes offsets and drifts out, piece by piece', async () => {
    const { warnings, worstMs } = await repaired('pieces.mp4', 'pieces-out.mp4', SHORT, AAC);
    expect(warnings).toEqual([]);
    expect(worstMs).toBeLessThan(5);
    const { audio, video } = await probe(path('pieces-out.mp4'));
    expect(audio).toMatchObject({ codec: 'aac', sampleRateHz: 48_000, channels: 2 });
    expect(video?.frameCount).toBe(400);
  });

  longTest('takes a drift of 100 and 1000 ppm out of a minute', async () => {
    for (const ppm of [100, -1000])
      expect((await repaired('drift.mp4', 'drift-out.mp4', [piece(0, 60, 120, ppm)], AAC)).worstMs).toBeLessThan(5);
  });

  longTest('codes the sound as it was coded, in each container', async () => {
    for (const [name, output, ...coding] of [
      ['p.mov', 'p-out.mov', ...H264, '-c:a', 'pcm_s24le'],
      ['m.mp4', 'm-out.mp4', ...H264, '-c:a', 'libmp3lame', '-b:a', '192k'],
      ['f.mkv', 'f-out.mkv', ...H264, '-c:a', 'flac'],
      ['v.mkv', 'v-out.mkv', ...H264, '-c:a', 'libvorbis'],
      ['c.mkv', 'c-out.mkv', ...H264, '-c:a', 'ac3', '-b:a', '192k'],
      ['p.avi', 'p-out.avi', '-c:v', 'mpeg4', '-c:a', 'pcm_s16le'],
    ] as [string, string, ...string[]][]) {
      const before = await repaired(name, output, SHORT, coding);
      expect(before.warnings).toEqual([]);
      expect((await probe(path(output))).audio?.codec).toBe((await probe(path(name))).audio?.codec);
    }
  });

  test('says what it doesn’t take, and leaves nothing behind', async () => {
    makeMedia(...flashesAndClicks([1], [1], 4), ...AAC, path('four.mp4'));
    const to = async (pieces: SoundPiece[], output = 'x.mp4') =>
      (await errorOf(retimeSound({ path: path('four.mp4'), outputPath: path(output), pieces }))).message;
    expect(await to([])).toMatch(/at least one is needed/);
    expect(await to([piece(0, 4, 10_001)])).toMatch(/at most 10000 ms/);
    expect(await to([piece(0, 4, 0, 5001)])).toMatch(/at most 5000 ppm/);
    expect(await to([piece(0, 1, 0), piece(2, 4, 0)])).toMatch(/one ends at 1\.00 s, the next begins at 2\.00 s/);
    expect(await to([piece(0, 3, 0)])).toMatch(/end at 3\.00 s; the picture ends at 4\.00 s/);
    expect(await to([piece(1, 4, 0)])).toMatch(/must cover the picture from 0 on/);
    expect(await to([piece(0, 4, 0)], 'four.mp4')).toMatch(/is the input itself/);
    expect(await to([piece(0, 4, 0)], 'x.wmv')).toMatch(/isn't a kind of video that is written/);
    const killer = setInterval(() => {
      if (leftovers().length > 0) ffmpegChildren().forEach((pid) => process.kill(pid, 'SIGKILL'));
    }, 2);
    const killed = errorOf(
      retimeSound({ path: path('four.mp4'), outputPath: path('x.mp4'), pieces: [piece(0, 4, 0, 100)] }),
    );
    expect((await killed).reason).toBe('UNAVAILABLE');
    clearInterval(killer);
    expect(leftovers()).toEqual([]);
    expect(folder.list()).not.toContain('x.mp4');
    expect(runningProcesses()).toBe(0);
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SoundstageError } from '@soundstage/core/errors';
import { envelopeLevels, envelopePoints, readCues, toWebVtt, writeCues, type CueSheet } from './index.js';

const sheet: CueSheet = {
  format: 'soundstage-cues',
  version: 1,
  video: { name: 'clip.mp4', durationS: 10 },
  scene: 'mixed',
  classes: [{ label: 'wood', confidence: 0.6 }],
  timingTrust: 0.5,
  seed: 7,
  hits: [
    { id: 'h1', timeS: 0.5, class: 'wood', sound: 'wood-1', strength: 1, pan: 0, confidence: 0.9, muted: false },
    { id: 'h2', timeS: 1.2345, class: 'metal', strength: 0.25, pan: -0.5, confidence: 0.4, muted: true },
  ],
  layers: [
    {
      id: 'l1',
      class: 'rain',
      startS: 0,
      endS: 10,
      gainDb: -6,
      pan: 0,
      confidence: 1,
      muted: false,
      envelope: [
        [0, 0.2],
        [10, 1],
      ],
    },
  ],
  notes: [],
};
const palette = new Map([
  ['wood', { kind: 'struck' as const, sounds: ['wood-1', 'wood-2'] }],
  ['metal', { kind: 'struck' as const, sounds: ['metal-1'] }],
  ['rain', { kind: 'continuous' as const, sounds: ['synthesis'] }],
]);

/** The message of the refusal of a sheet that was changed in its text. */
function refusal(change: (text: string) => string): SoundstageError {
  try {
    readCues(change(writeCues(sheet)), { palette, name: 'edited.json' });
  } catch (error) {
    if (error instanceof SoundstageError) return error;
    throw error;
  }
  throw new Error('The sheet was taken.');
}
const lineOf = (part: string): number =>
  writeCues(sheet)
    .split('\n')
    .findIndex((line) => line.includes(part)) + 1;

describe('a cue sheet', () => {
  test('comes back from its file as it was written, one hit a line', () => {
    const text = writeCues(sheet);
    expect(readCues(text, { palette })).toEqual(sheet);
    expect(text.split('\n').filter((line) => line.includes('"time_s"'))).toHaveLength(2);
  });

  test('may have comments, trailing commas, and leave out what has a default', () => {
    const text = `{ // moved by hand
      "format": "soundstage-cues", "version": 1, "video": {"name": "a", "duration_s": 4}, "scene": "struck", "seed": 1,
      "hits": [{"time_s": 1, "class": "wood", "strength": 0.5},],
    }`;
    expect(readCues(text, { palette }).hits).toEqual([
      { id: 'h1', timeS: 1, class: 'wood', strength: 0.5, pan: 0, confidence: 1, muted: false },
    ]);
  });

  test('is refused with the line of a hit that is beyond the end', () => {
    const error = refusal((text) => text.replace('1.2345', '10.5'));
    expect(error.reason).toBe('BAD_INPUT');
    expect(error.message).toContain(
      `edited.json can't be used. Line ${lineOf('1.2345')}: hits[1].time_s is 10.5, beyond`,
    );
    expect(error.violations[0]?.field).toBe(`line ${lineOf('1.2345')}`);
  });

  test.each([
    ['unsorted hits', '"time_s":0.5', '"time_s":2', '1.2345', 'before the hit above it'],
    ['a time that is no number', '1.2345', 'NaN', '1.2345', 'not JSON'],
    ['a time that is too large for a number', '1.2345', '1e999', '1.2345', 'hits[1].time_s'],
    ['a negative time', '"time_s":0.5', '"time_s":-0.5', '"time_s":0.5', 'hits[0].time_s'],
    ['an unknown class', '"metal"', '"wodo"', '"metal"', "the palette doesn't have"],
    ['an unknown sound', 'wood-1', 'wood-9', 'wood-1', 'it has wood-1, wood-2'],
    ['a hit of a sound that goes on', '"class":"metal"', '"class":"rain"', '"metal"', 'make it a layer'],
    ['a strength above 1', '"strength":0.25', '"strength":25', '"strength":0.25', 'hits[1].strength'],
    ['a name that is none', '"strength":0.25', '"strenght":0.25', '"strength":0.25', 'strenght'],
    ['the same id twice', '"h2"', '"h1"', '"h2"', 'another of the hits'],
    ['a layer that ends before it starts', '"end_s":10', '"end_s":0', '"end_s":10', 'not after start_s'],
    ['an envelope that runs backwards', '[10,1]', '[10,1],[5,1]', '[10,1]', 'before the point in front of it'],
    ['another format', 'soundstage-cues', 'subtitles', 'soundstage-cues', 'format'],
  ])('is refused for %s, with the line', (_, from, to, where, words) => {
    const error = refusal((text) => text.replace(from, to));
    expect(error.message).toContain(words);
    expect(error.violations.map(({ field }) => field)).toContain(`line ${lineOf(where)}`);
  });

  test('is refused when it is meant for a longer video', () => {
    expect(() => readCues(writeCues(sheet), { durationS: 1 })).toThrow(/beyond the end of the video \(1 s\)/);
  });

  test('no text whatever makes the reader throw anything but a refusal', () => {
    const text = writeCues(sheet);
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(40), fc.string({ maxLength: 12 }), (at, cut, put) => {
        try {
          readCues(text.slice(0, at) + put + text.slice(at + cut), { palette });
        } catch (error) {
          expect(error).toBeInstanceOf(SoundstageError);
          expect((error as SoundstageError).reason).toBe('BAD_INPUT');
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a sheet of a whole film is read within seconds', () => {
    const hits = Array.from({ length: 50_000 }, (_, i) => ({ ...sheet.hits[0]!, id: `h${i}`, timeS: i / 10 }));
    const film = { ...sheet, video: { name: 'film', durationS: 6000 }, hits };
    const started = performance.now();
    expect(readCues(writeCues(film), { palette }).hits).toHaveLength(50_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('the WebVTT of a cue sheet', () => {
  test('shows each sound that is heard, in the order of time, with times to the millisecond', () => {
    const vtt = toWebVtt({ ...sheet, hits: sheet.hits.map((hit) => ({ ...hit, muted: false })) });
    expect(vtt.split('\n\n')).toEqual([
      'WEBVTT',
      'l1\n00:00:00.000 --> 00:00:10.000\n[rain]',
      'h1\n00:00:00.500 --> 00:00:00.900\n[wood]',
      'h2\n00:00:01.235 --> 00:00:01.635\n[metal]\n',
    ]);
  });

  test('leaves out what is muted, and lets no cue run beyond the next hit', () => {
    const close = { ...sheet, layers: [], hits: [sheet.hits[0]!, { ...sheet.hits[0]!, id: 'h3', timeS: 0.6 }] };
    expect(toWebVtt(close)).toContain('00:00:00.500 --> 00:00:00.600');
    expect(toWebVtt(sheet)).not.toContain('[metal]');
  });
});

describe('the points of an envelope', () => {
  test('give back any envelope within the tolerance', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 300 }), (levels) => {
        const points = envelopePoints(levels, { rateHz: 50, tolerance: 0.02 });
        const back = envelopeLevels(points, 50, levels.length);
        back.forEach((level, i) => expect(Math.abs(level - levels[i]!)).toBeLessThan(0.0201));
      }),
    );
  });

  test('are few where the envelope is plain', () => {
    const ramp = Array.from({ length: 500 }, (_, i) => i / 500);
    expect(envelopePoints(ramp, { rateHz: 50 })).toHaveLength(2);
  });
});

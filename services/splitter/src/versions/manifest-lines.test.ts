import { describe, expect, test } from '@jest/globals';
import type { PlacedClip, Rejected } from '../dataset-clip.js';
import { placeInFold, versionId } from './manifest-lines.js';

const file = (name: string) => ({
  key: `media/${name}`,
  sha256: name.repeat(64),
  sizeBytes: 5,
  mediaType: 'video/mp4',
});
const clip = (change: Partial<PlacedClip> = {}): PlacedClip => ({
  ...file('a'),
  id: 'b'.repeat(64),
  sourceId: 'source',
  label: 'wood',
  video: file('c'),
  audio: file('d'),
  frames: file('e'),
  frameCount: 80,
  durationS: 10,
  ownSplit: 'train',
  split: 'train',
  fold: 0,
  ...change,
});
const rejected: Rejected = { id: 'x', sourceId: 's', label: 'l', reason: 'silent_sound', message: 'It is silent.' };
const whole = { profile: 'regnet', folds: 0, clips: [clip()], rejected: [rejected] };

describe("A version's id", () => {
  test.each<[string, Partial<typeof whole>]>([
    ['the bytes', { clips: [clip({ sha256: 'f'.repeat(64) })] }],
    ['the picture', { clips: [clip({ video: file('f') })] }],
    ['the sound', { clips: [clip({ audio: file('f') })] }],
    ['the frames', { clips: [clip({ frames: file('f') })] }],
    ['the number of frames', { clips: [clip({ frameCount: 81 })] }],
    ['the source', { clips: [clip({ sourceId: 'another' })] }],
    ['the label', { clips: [clip({ label: 'glass' })] }],
    ['the length', { clips: [clip({ durationS: 9 })] }],
    ["the dataset's own split", { clips: [clip({ ownSplit: 'test' })] }],
    ['the split', { clips: [clip({ split: 'test' })] }],
    ['the fold', { clips: [clip({ fold: 2 })] }],
    ['the number of folds', { folds: 5 }],
    ['the profile', { profile: 'pixels' }],
    ['the number of clips', { clips: [clip(), clip()] }],
    ['why a clip was rejected', { rejected: [{ ...rejected, reason: 'still_picture' }] }],
    ['what was rejected', { rejected: [] }],
  ])('is another one when %s changes', (_what, change) => {
    expect(versionId({ ...whole, ...change })).not.toBe(versionId(whole));
  });

  test('is the same wherever the objects lie', () => {
    const elsewhere = clip({ key: 'work/elsewhere', video: { ...file('c'), key: 'work/video' } });
    expect(versionId({ ...whole, clips: [elsewhere] })).toBe(versionId(whole));
  });

  test('never changes for content that was versioned before', () => {
    expect(versionId(whole)).toBe('b9cec08dd805396a5b982127f3efa4313cb06b2c9784ac5941b2a79c454ac464');
  });
});

test('A fold is validation in its own manifest, and clips that are kept out stay out', () => {
  expect(placeInFold(clip({ fold: 2 }), 2).split).toBe('validation');
  expect(placeInFold(clip({ fold: 2 }), 1).split).toBe('train');
  expect(placeInFold(clip({ fold: 0, split: 'test' }), 1).split).toBe('test');
});

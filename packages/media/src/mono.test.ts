import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { cutParts, decodeAudio } from './index.js';
import { countingPicture, H264, makeMedia, testFolder } from './test-media.js';

jest.setTimeout(60_000);
const folder = testFolder();
const { path } = folder;
const LEFT = 0.5;
const RIGHT = 0.25;

beforeAll(() => {
  // Constant levels can be read off any sample; AAC would bend them.
  for (const [name, right] of [['alike', LEFT], ['unlike', RIGHT]] as const) {
    const sound = `aevalsrc='${LEFT}|${right}':s=44100:d=1`;
    makeMedia('-f', 'lavfi', '-i', sound, ...countingPicture(25), ...H264, '-c:a', 'pcm_f32le', path(`${name}.mkv`));
  } // prettier-ignore
});
afterAll(folder.remove);

const middleOf = async (name: string) => {
  const samples: number[] = [];
  for await (const block of decodeAudio(path(name), { sampleRateHz: 22_050, channels: 1 })) samples.push(...block);
  return samples[samples.length >> 1];
};

test('stereo that is mixed down to mono is the average of its channels, as librosa takes it', async () => {
  expect(await middleOf('alike.mkv')).toBeCloseTo(LEFT, 4);
  expect(await middleOf('unlike.mkv')).toBeCloseTo((LEFT + RIGHT) / 2, 4);
});

test('so is the sound of a cut, which can’t become louder than full scale by it', async () => {
  const sound = { path: path('cut.wav'), sampleRateHz: 16_000, samples: 16_000, startS: 0 };
  await cutParts({ path: path('unlike.mkv'), startS: 0, pictures: [], sound });
  expect(await middleOf('cut.wav')).toBeCloseTo((LEFT + RIGHT) / 2, 3);
});

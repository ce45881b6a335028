import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ClipFeatures, Feature, JobState, type Job, type ObjectRef, type TrainingSpec } from '@soundstage/contracts';
import { sha256 } from '@soundstage/core';
import { HITS, launch, startTestLauncher, type TestLauncher } from './testing/launcher.js';

let launcher: TestLauncher;
beforeAll(async () => {
  launcher = await startTestLauncher({ SOUNDSTAGE_TRAINING_CLIPS: '6', SOUNDSTAGE_TRAINING_BYTES: '400' });
});
afterAll(() => launcher.close());

const put = (text: string, mediaType = 'application/jsonl') => launcher.client.upload(Buffer.from(text), mediaType);
const lines = (values: readonly object[]) => put(values.map((value) => JSON.stringify(value)).join('\n'));
const file = ({ key, sha256: hash }: ObjectRef) => ({ key, sha256: hash });

/** Four clips as the splitter writes them: two for training, of which the first was preprocessed. */
async function split(over: (line: Record<string, unknown>, n: number) => object = (line) => line): Promise<ObjectRef> {
  const made = await Promise.all(
    ['train', 'train', 'validation', 'test'].map(async (place, n) => ({
      ...file(await put(`clip ${n}`, 'video/quicktime')),
      source_id: `so,"urce ${n}`,
      label: 'wood',
      split: place,
      id: sha256(`id ${n}`),
      ...(n === 0
        ? { video: file(await put('picture', 'video/mp4')), audio: file(await put('sound', 'audio/wav')) }
        : {}),
    })),
  );
  return lines(made.map(over));
}

const features = async (ids: readonly string[]): Promise<ObjectRef> => {
  const array = await put('an array', 'application/x-npy');
  return lines(
    ids.map((clipId) => {
      const files = [Feature.MEL_22K, Feature.FLOW_RGB].map((feature) => ({ feature, array }));
      return ClipFeatures.toJSON(ClipFeatures.fromPartial({ clipId, files })) as object;
    }),
  );
};

async function train(spec: Partial<TrainingSpec>): Promise<Job> {
  const { id } = await launch(launcher.client, { recipe: 'quick', ...spec });
  return launcher.client.untilEnded(id);
}
const dataset = (value: ObjectRef) => ({ dataset: { $case: 'manifest' as const, value } });

interface LaidOut {
  clip: string;
  sound?: string;
  features: Record<string, string>;
}

/** What the trainer found in its folder. */
async function seenBy(job: Job): Promise<{ files: string[]; clips: LaidOut[] }> {
  if (job.result?.$case !== 'training') throw new Error(job.error?.message);
  const text = (await launcher.client.download(job.result.value.model!.key)).toString();
  const { files, clips } = JSON.parse(text) as { files: string[]; clips: string };
  return {
    files,
    clips: clips
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as LaidOut),
  };
}

describe('a dataset that is laid out for the trainer', () => {
  test('has every clip of all three splits, preprocessed where it was, with its features', async () => {
    const ids = [0, 1, 2, 3].map((n) => sha256(`id ${n}`));
    const { files, clips } = await seenBy(
      await train({ ...dataset(await split()), features: await features(ids.slice(0, 3)) }),
    );
    const at = (folder: string, content: string, suffix: string) => `${folder}/${sha256(content)}${suffix}`;
    const own = (n: number) => ({
      mel_22k: `features/${ids[n]}/mel_22k.npy`,
      flow_rgb: `features/${ids[n]}/flow_rgb.npy`,
    });
    const shared = (n: number) => ({ id: ids[n], source: `so,"urce ${n}`, label: 'wood' });
    expect(clips).toEqual([
      {
        ...shared(0),
        split: 'train',
        clip: at('clips', 'picture', '.mp4'),
        sound: at('sound', 'sound', '.wav'),
        features: own(0),
      },
      { ...shared(1), split: 'train', clip: at('clips', 'clip 1', '.mov'), features: own(1) },
      { ...shared(2), split: 'validation', clip: at('clips', 'clip 2', '.mov'), features: own(2) },
      { ...shared(3), split: 'test', clip: at('clips', 'clip 3', '.mov'), features: {} },
    ]);
    const named = clips.flatMap(({ clip, sound, features: found }) => [clip, sound, ...Object.values(found)]);
    expect(files).toEqual(['clips.jsonl', ...named.filter((path) => path !== undefined)].sort());
  });

  test.each<[string, (line: Record<string, unknown>, n: number) => object, RegExp]>([
    ['a line without a source', ({ source_id: _gone, ...line }) => line, /Line 1 of the manifest has no source_id/],
    ['a split that is none', (line) => ({ ...line, split: 'dev' }), /split "dev"/],
    ['no clips for training', (line) => ({ ...line, split: 'test' }), /no clips for training/],
    ['a clip twice', (line) => ({ ...line, id: sha256('same') }), /for a second time/],
    ['a hash that is none', (line) => ({ ...line, sha256: '../../etc/passwd' }), /no SHA-256/],
    [
      'a clip that is not in the store',
      (line, n) => (n === 2 ? { ...line, key: 'media/gone' } : line),
      /no object "media\/gone"/,
    ],
    ['a clip with another hash', (line, n) => (n === 1 ? { ...line, sha256: sha256('other') } : line), /has the hash/],
    ['a key that leads elsewhere', (line) => ({ ...line, key: '../../../etc/passwd' }), /etc\/passwd/],
  ])('is refused for good with %s', async (_what, over, message) => {
    const job = await train(dataset(await split(over)));
    expect(job).toMatchObject({ state: JobState.FAILED, attempt: 1, error: { reason: 'BAD_INPUT' } });
    expect(job.error?.message).toMatch(message);
  });

  test.each<[string, () => Promise<Partial<TrainingSpec>>, RegExp]>([
    ['more clips than allowed', async () => dataset(await lines(await manyLines(7))), /more than 6 clips/],
    [
      'more bytes than allowed',
      async () => dataset(await lines(await manyLines(5, 'x'.repeat(100)))),
      /more than 400 bytes/,
    ],
    ['no JSON', async () => dataset(await put('{"key"')), /Line 1 of the manifest is no JSON object/],
    [
      'features of other clips',
      async () => ({ ...dataset(await split()), features: await features([sha256('?')]) }),
      /other clips/,
    ],
  ])('is refused for good with %s', async (_what, spec, message) => {
    const job = await train(await spec());
    expect(job).toMatchObject({ state: JobState.FAILED, attempt: 1, error: { reason: 'BAD_INPUT' } });
    expect(job.error?.message).toMatch(message);
  });

  test.each<[string, () => Promise<Partial<TrainingSpec>>, string]>([
    [
      'features of a folder’s clips',
      async () => ({ ...HITS, features: await features([sha256('id 0')]) }),
      'spec.features',
    ],
    [
      'a recipe without the features that it needs',
      async () => ({ recipe: 'keen', ...dataset(await split()) }),
      'spec.features',
    ],
    [
      'a manifest that is not in the store',
      async () => dataset({ key: 'media/x', sha256: sha256(''), sizeBytes: 0n, mediaType: '' }),
      'key',
    ],
  ])('is refused before there is a job with %s', async (_what, spec, field) => {
    await expect(train(await spec())).rejects.toMatchObject({ reason: 'BAD_INPUT', violations: [{ field }] });
  });
});

async function manyLines(count: number, more = ''): Promise<object[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => ({
      ...file(await put(`one of many ${n}${more}`, 'video/mp4')),
      source_id: String(n),
      label: '',
      split: 'train',
    })),
  );
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { longTest } from '@soundstage/core/contract-tests';
import { makeTestClip } from '@soundstage/core/testing';
import { MAIN, testFolder, type TestFolder } from '../testing/run-cli.js';

const root = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
/** The trainer of these tests: the launcher's own stand-in, which takes no time. */
const TRAINER = root('services/trainer-launcher/fixtures');
const CLIPS = 5;
/** On a busy machine; an idle one takes a tenth of it. */
const LIMIT_MS = 180_000;

const RECIPE = `name: hits
variables: { clips: {} }
collect: { source: '\${clips}', labels: labels.csv }
preprocess: { profile: regnet }
split: { dataset: hits, train: 0.6, validation: 0.2, test: 0.2, tag: newest, page_samples: 1 }
extract: { features: [mel_22k] }
train: [{ recipe: rounds, parameters: { epochs: 3 } }]
promote: [{ model: rounds, metric: loss, beats: value, higher_is_better: false }]
`;

interface Told {
  nothing_new: boolean;
  dataset: { name: string; version: string };
  steps: { step: string; state: string; done: number; refused: { clip: string; reason: string }[] }[];
  models: { name: string; version: string; promoted: boolean; why: string; metrics: Record<string, number> }[];
  page: string;
  error?: { reason: string; message: string };
}

let folder: TestFolder;
let env: Record<string, string>;
const args = (...more: string[]) => ['pipeline', 'run', 'hits.yaml', '--set', 'clips=clips', '--json', ...more];

async function run(home: string): Promise<Told> {
  const { stdout, stderr, code } = await folder.soundstage(args(), {
    env: { ...env, SOUNDSTAGE_HOME: folder.path(home) },
  });
  if (code !== 0) throw new Error(`the pipeline ended with ${code}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as Told;
}

let first: Told;

beforeAll(async () => {
  folder = testFolder();
  const models = folder.path('models');
  env = {
    SOUNDSTAGE_PYTHON: 'python3',
    SOUNDSTAGE_TRAINER_DIR: TRAINER,
    SOUNDSTAGE_MODELS_DIR: models,
    SOUNDSTAGE_LEASE_S: '1',
  };
  // The models that ship, and one that the stand-in makes versions of.
  await mkdir(models);
  for (const name of await readdir(root('models'))) await symlink(root(`models/${name}`), join(models, name));
  await symlink(root('packages/models/fixtures/rounds'), join(models, 'rounds'));
  await mkdir(folder.path('clips'));
  const names = Array.from({ length: CLIPS }, (_, n) => `${n}.mp4`);
  for (const [n, name] of names.entries()) {
    await makeTestClip(join(folder.path('clips'), name), { seconds: 2, size: '96x64', seed: 60 * n });
  }
  await makeTestClip(join(folder.path('clips'), 'mute.mp4'), { seconds: 2, size: '96x64', sound: false });
  await writeFile(join(folder.path('clips'), 'broken.mp4'), 'no video at all');
  await copyFile(join(folder.path('clips'), '0.mp4'), join(folder.path('clips'), 'unlisted.mp4'));
  const rows = [...names, 'mute.mp4', 'broken.mp4', 'gone.mp4'].map(
    (name, n) => `${name},take-${n},${n % 2 ? 'wood' : 'glass'}`,
  );
  await writeFile(folder.path('labels.csv'), ['path,source,label', ...rows, ''].join('\n'));
  await writeFile(folder.path('hits.yaml'), RECIPE);
  first = await run('home');
}, LIMIT_MS);

afterAll(() => folder.remove());

const stepOf = ({ steps }: Told, name: string) => steps.find(({ step }) => step === name)!;

describe('A pipeline', () => {
  test('goes from a folder of clips to a promoted model', () => {
    expect(first.steps.map(({ step, state, done }) => [step, state, done])).toEqual([
      ['collect', 'done', CLIPS + 1],
      ['preprocess', 'done', CLIPS],
      ['split', 'done', CLIPS],
      ['extract', 'done', CLIPS],
      ['train', 'done', 1],
      ['promote', 'done', 1],
    ]);
    expect(first.models).toEqual([
      expect.objectContaining({
        name: 'rounds',
        version: '3',
        promoted: true,
        metrics: expect.objectContaining({ loss: 1 / 3 }) as unknown,
      }),
    ]);
  });

  test(
    'names the clips that it refuses, and goes on without them',
    async () => {
      const refused = first.steps.flatMap((step) => step.refused.map(({ clip, reason }) => [step.step, clip, reason]));
      expect(refused).toEqual([
        ['collect', 'broken.mp4', 'unreadable'],
        ['collect', 'gone.mp4', 'missing'],
        ['preprocess', 'mute.mp4', 'no_sound'],
      ]);
      const shown = await folder.soundstage(['dataset', 'show', 'hits@newest', '--json']);
      expect(JSON.parse(shown.stdout)).toMatchObject({
        id: first.dataset.version,
        rejectedCount: 3,
        sourceCount: CLIPS,
      });
    },
    LIMIT_MS,
  );

  test('leaves a page with every step, every refused clip and the figures of its models', async () => {
    const page = await readFile(first.page, 'utf8');
    for (const told of ['broken.mp4', 'no_sound', 'rounds version 3', 'loss', 'states none'])
      expect(page).toContain(told);
    const links = [...page.matchAll(/href="\.\/([^"]+)"/g)].map(([, name]) => name!);
    expect(links).toHaveLength(3);
    for (const link of links) expect(await readFile(join(first.page, '..', link), 'utf8')).toMatch(/^<!doctype html>/i);
  });

  test(
    'does nothing the second time, and says so',
    async () => {
      const { stdout, stderr } = await folder.soundstage(
        args().filter((arg) => arg !== '--json'),
        { env },
      );
      expect(stdout).toMatch(/^hits: nothing to do/);
      expect(stdout).toContain(`hits@${first.dataset.version.slice(0, 12)}`);
      expect(stdout).toContain('rounds version 3, promoted');
      expect(stderr.match(/done before/g)).toHaveLength(first.steps.length);
    },
    LIMIT_MS,
  );

  longTest(
    'killed at any moment and run again, ends in the same dataset, with each clip in it once',
    async () => {
      for (const afterMs of [1200, 2400]) {
        const child = spawn(process.execPath, [MAIN, ...args()], {
          cwd: folder.root,
          env: { ...process.env, NODE_OPTIONS: '', ...env, SOUNDSTAGE_HOME: folder.path('killed') },
          stdio: 'ignore',
        });
        const ended = once(child, 'exit');
        await sleep(afterMs);
        child.kill('SIGKILL');
        await ended;
      }
      const told = await run('killed');
      expect(told.dataset).toEqual(first.dataset);
      expect(told.steps.map(({ step, done, refused }) => [step, done, refused])).toEqual(
        first.steps.map(({ step, done, refused }) => [step, done, refused]),
      );
      expect(told.models.map(({ name, version, metrics }) => [name, version, metrics])).toEqual(
        first.models.map(({ name, version, metrics }) => [name, version, metrics]),
      );
      const to = folder.path('exported');
      const home = { SOUNDSTAGE_HOME: folder.path('killed') };
      await folder.soundstage(['dataset', 'export', 'hits', '--to', to], { env: home });
      const manifest = (await readFile(join(to, 'manifest.jsonl'), 'utf8')).trim().split('\n');
      const sources = manifest.map((line) => (JSON.parse(line) as { source_id: string }).source_id);
      expect(sources.sort()).toEqual(Array.from({ length: CLIPS }, (_, n) => `take-${n}`));
    },
    LIMIT_MS,
  );

  test(
    'tells what would run, and which step failed with what to do next',
    async () => {
      const parameters = RECIPE.replace('epochs: 3', 'epochs: 0');
      await writeFile(folder.path('hits.yaml'), parameters);
      const plan = await folder.soundstage(args('--dry-run'), { env });
      const { steps } = JSON.parse(plan.stdout) as Told;
      expect(steps.map(({ state }) => state)).toEqual([
        'cached',
        'cached',
        'cached',
        'cached',
        'not_reached',
        'not_reached',
      ]);
      const { code, stdout, stderr } = await folder.soundstage(args(), { env });
      expect(code).toBe(2);
      expect((JSON.parse(stdout) as Told).steps.map(({ state }) => state)).toEqual([
        ...['cached', 'cached', 'cached', 'cached'],
        ...['failed', 'not_reached'],
      ]);
      expect(stderr).toMatch(/At the step "train rounds": .*epochs[\s\S]*run it again/);
      expect(stepOf(first, 'train').state).toBe('done');
    },
    LIMIT_MS,
  );
});

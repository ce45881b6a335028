import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { gcsServer, pubsubEmulator, startGcsServer, startPubSubEmulator } from '@soundstage/adapters-gcp/testing';
import { longTest } from '@soundstage/core/contract-tests';
import { demoClip } from '@soundstage/inference';
import { testFolder, type TestFolder } from './run-cli.js';

const possible = gcsServer !== undefined && pubsubEmulator !== undefined;
if (!possible) console.log('1 test on Google’s engines is skipped: the Pub/Sub emulator or its fellow isn’t there');

(possible ? describe : describe.skip)('On Google’s engines', () => {
  let folder: TestFolder;
  beforeAll(() => {
    folder = testFolder();
  });
  afterAll(() => folder.remove());

  longTest(
    'services do their work from Pub/Sub, and keep all of it in Cloud Storage',
    async () => {
      const [emulator, server] = await Promise.all([startPubSubEmulator(), startGcsServer()]);
      const env = {
        SOUNDSTAGE_BACKEND: 'gcp',
        SOUNDSTAGE_BUCKET: server.bucket,
        GOOGLE_CLOUD_PROJECT: 'stage',
        PUBSUB_EMULATOR_HOST: emulator.address,
        STORAGE_EMULATOR_HOST: server.url,
      };
      try {
        mkdirSync(folder.path('clips'));
        copyFileSync(demoClip.path, folder.path('clips/one.mp4'));
        copyFileSync(demoClip.path, folder.path('clips/same.mp4'));
        const first = await folder.soundstage(['collect', 'clips', '--json'], { env });
        expect(first).toMatchObject({ code: 0 });
        expect(JSON.parse(first.stdout)).toMatchObject({ items: 2, collected: 1, duplicate: 1 });
        expect(existsSync(folder.path('home/queue.sqlite')) || existsSync(folder.path('home/store'))).toBe(false);
        const listed = (await (await fetch(`${server.url}/storage/v1/b/${server.bucket}/o?prefix=media/`)).json()) as {
          items: { size: string }[];
        };
        expect(listed.items.map(({ size }) => Number(size))).toEqual([readFileSync(demoClip.path).length]);
        expect(await folder.soundstage(['queue', 'list', '--dead', '--json'], { env })).toMatchObject({ stdout: '' });
      } finally {
        await Promise.all([emulator.kill(), server.kill()]);
      }
    },
    180_000,
  );
});

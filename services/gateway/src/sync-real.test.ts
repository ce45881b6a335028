import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startGateway, type Gateway } from './server.js';
import { postForm, readJob, untilEnded } from './testing/http.js';
import { startInference, type TestInference } from './testing/inference.js';
import { runFfmpeg } from './testing/run-ffmpeg.js';

const grid = join(process.env.SOUNDSTAGE_DATA ?? '', 'sync', 'grid_s1');
const clip = process.env.SOUNDSTAGE_DATA && existsSync(grid) ? readdirSync(grid).sort()[0] : undefined;
if (!clip) console.log('0 real talking faces sent by HTTP: set SOUNDSTAGE_DATA to the folder that holds sync/.');
const LATE_MS = 400;

(clip ? describe : describe.skip)('A real talking face whose sound was made late', () => {
  let inference: TestInference;
  let gateway: Gateway;

  beforeAll(async () => {
    inference = await startInference();
    gateway = await startGateway({ inferenceAddress: inference.address, port: 0 });
  }, 120_000);
  afterAll(async () => {
    await gateway?.close(500);
    await inference?.remove();
  });

  test('is measured by the real models, through the queue, to its report', async () => {
    const path = join(inference.folder, 'late.mkv');
    const source = join(grid, clip!);
    const moved = ['-i', source, '-itsoffset', String(LATE_MS / 1000), '-i', source];
    await runFfmpeg([...moved, '-map', '0:v', '-map', '1:a', '-c', 'copy', path]);
    const content = new Uint8Array(await readFile(path));
    const posted = await readJob(await postForm(gateway.url, { kind: 'sync' }, { content, name: 'late.mkv' }));
    const { state, error, syncResult, links } = (await untilEnded(gateway.url, posted.id)).at(-1)!;
    expect({ state, error }).toEqual({ state: 'succeeded' });
    // Three seconds may be too little to tell, which is an answer; a wrong one is none.
    if (syncResult!.verdict === 'cannot_tell') expect(links.result).toBeUndefined();
    else expect(Math.abs(syncResult!.offsetMs! - LATE_MS)).toBeLessThan(80);
    console.log(
      `${clip} ${LATE_MS} ms late: ${syncResult!.verdict}, ${syncResult!.offsetMs} ms. ${syncResult!.whatWasDone}`,
    );
    const report = await (await fetch(`${gateway.url}${links.report}`)).text();
    expect(report).toMatch(/<h1>[^<]+<\/h1>/);
  }, 120_000);
});

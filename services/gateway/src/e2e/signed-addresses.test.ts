/// <reference lib="dom" />
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import type { JobJson, LinkJson, UploadJson } from '../api-types.js';
import { startGateway, type Gateway } from '../server.js';
import { hasChromium, launchChromium, openWindow, type Window } from '../testing/chromium.js';
import { readJob, readProblem, untilEnded } from '../testing/http.js';
import { drawClip } from '../testing/inference.js';
import { hasGcsServer, startInferenceOnGcs, type InferenceOnGcs } from '../testing/inference-on-gcs.js';

const withAll = hasChromium() && hasGcsServer() ? describe : describe.skip;

withAll('With a store that signs addresses', () => {
  let inference: InferenceOnGcs;
  let gateway: Gateway;
  let browser: Browser;
  let clip: string;

  beforeAll(async () => {
    inference = await startInferenceOnGcs();
    gateway = await startGateway({ inferenceAddress: inference.address, port: 0 });
    inference.store.origins.push(gateway.url);
    clip = drawClip(inference.folder, { seconds: 2 });
    browser = await launchChromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await gateway?.close(500);
    await inference?.remove();
  });

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const announce = async (content: Buffer, key: string): Promise<UploadJson> => {
    const sha256 = createHash('sha256').update(content).digest('hex');
    const file = { fileName: 'clip.mp4', sizeBytes: content.length, mediaType: 'video/mp4', sha256 };
    return (await (await post('/v1/uploads', file, { 'idempotency-key': key })).json()) as UploadJson;
  };
  const send = async ({ address }: UploadJson, content: Buffer) => {
    const { url, method, headers } = address!;
    const session = (await fetch(url, { method, headers })).headers.get('location')!;
    const range = `bytes 0-${content.length - 1}/${content.length}`;
    return (await fetch(session, { method: 'PUT', headers: { 'content-range': range }, body: content as never }))
      .status;
  };
  const draft = { kind: 'foley', quality: 'draft', sound: 'wood' };
  const unexpected = ({ complaints }: Window) =>
    complaints.filter((text) => text !== `request to ${inference.store.url}` && !text.includes('ERR_EMPTY_RESPONSE'));

  test('a browser sends a video past the server, though the line breaks, and plays the result from there', async () => {
    const { store, line } = inference;
    const opened = await openWindow(browser, gateway.url, { permissions: ['clipboard-read', 'clipboard-write'] });
    const { page } = opened;
    const posted: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST')
        posted.push(`${new URL(request.url()).origin} ${request.headers()['content-type'] ?? ''}`);
    });
    store.seen.length = 0;
    let parts = 0;
    line.plan = ({ headers }) =>
      /^bytes \d/.test(headers['content-range'] ?? '') && ++parts === 1 ? { kind: 'cut' } : undefined;

    await page.setInputFiles('#video-file', clip);
    await page.fill('#sound', 'wood');
    await page.click('button[type=submit]');
    await page.waitForSelector('.result', { timeout: 60_000 });
    line.plan = () => undefined;
    expect(posted.filter((request) => request.includes('form-data'))).toEqual([]);
    expect(store.seen.filter((seen) => seen.startsWith('POST'))).toHaveLength(1);
    expect(parts).toBeGreaterThan(1);

    await page.waitForFunction(() =>
      document.querySelector('.timeline-canvas')?.firstElementChild?.shadowRoot?.querySelector('canvas'),
    );
    await page.evaluate(() => document.querySelector<HTMLVideoElement>('.screen video')!.play());
    await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('.screen video')!.currentTime > 0.3);
    await page.evaluate(() => (document.querySelector<HTMLVideoElement>('.screen video')!.currentTime = 1.5));
    await page.waitForFunction(() => {
      const video = document.querySelector<HTMLVideoElement>('.screen video')!;
      return !video.seeking && video.currentTime >= 1.5;
    });
    // Every byte that was played came from the store.
    expect(store.seen.some((seen) => /^GET \S+\/work\/\S+ 20[06]$/.test(seen))).toBe(true);
    expect(store.seen.some((seen) => /^GET \S+\/media\/\S+ 20[06]$/.test(seen))).toBe(true);

    await page.click('text=Copy link');
    await page.waitForSelector('.copy-link-said:has-text("Copied")');
    await opened.shoot('copied-link', false);
    expect(await opened.seriousViolations()).toEqual([]);
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const part = await fetch(link, { headers: { range: 'bytes=4-7' } });
    expect([part.status, await part.text(), new URL(part.url).origin]).toEqual([206, 'ftyp', store.url]);
    expect((await fetch(link.replace('candidates/1', 'candidates/2'))).status).toBe(403);
    expect((await fetch(link.replace(/expires=\d+/, 'expires=9999999999'))).status).toBe(403);

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Download')]);
    expect(download.suggestedFilename()).toBe('clip with sound.mp4');
    expect(
      readFileSync(await download.path())
        .subarray(4, 8)
        .toString(),
    ).toBe('ftyp');
    expect(unexpected(opened)).toEqual([]);
    await opened.context.close();
  }, 120_000);

  test('an address of a result lives as long as was asked, also at the store', async () => {
    const { jobs } = (await (await fetch(`${gateway.url}/v1/jobs`)).json()) as { jobs: JobJson[] };
    const job = await readJob(await fetch(`${gateway.url}/v1/jobs/${jobs[0]!.id}`));
    expect((await fetch(`${gateway.url}${job.links.signedResult}`)).status).toBe(200);
    const asked = await fetch(`${gateway.url}/v1/jobs/${job.id}/link?expiresS=2`);
    const { url } = (await asked.json()) as LinkJson;
    const sent = await fetch(`${gateway.url}${url}`, { redirect: 'manual' });
    expect(sent.status).toBe(302);
    const atStore = sent.headers.get('location')!;
    expect(Number(new URL(atStore).searchParams.get('X-Goog-Expires'))).toBeLessThanOrEqual(2);
    expect((await fetch(atStore)).headers.get('content-type')).toBe('video/mp4');
    await new Promise((resolve) => setTimeout(resolve, 3100));
    expect((await fetch(`${gateway.url}${url}`)).status).toBe(410);
    expect((await fetch(atStore)).status).toBe(400);
    const tooLong = await fetch(`${gateway.url}/v1/jobs/${job.id}/link?expiresS=${8 * 86_400}`);
    expect(tooLong.status).toBe(400);
  }, 30_000);

  test('bytes that aren’t what their sender said are refused before work, and can be sent again', async () => {
    const right = Buffer.concat([readFileSync(clip), Buffer.from([0])]);
    const wrong = Buffer.from(right);
    wrong[wrong.length - 1] = 1;
    const upload = await announce(right, 'a-liar');
    const early = await post('/v1/jobs', { ...draft, upload: upload.id });
    expect([early.status, (await readProblem(early)).reason]).toEqual([409, 'CONFLICT']);
    expect(await send(upload, wrong)).toBe(200);
    const refused = (
      await untilEnded(gateway.url, (await readJob(await post('/v1/jobs', { ...draft, upload: upload.id }))).id)
    ).at(-1)!;
    expect(refused).toMatchObject({ state: 'failed', error: { reason: 'BAD_INPUT' } });
    expect(refused.error!.message).toContain('as their sender said');
    expect(refused.attempt).toBe(1);

    const again = await announce(right, 'a-liar');
    expect([again.id, again.complete]).toEqual([upload.id, false]);
    expect(await send(again, right)).toBe(200);
    const done = (
      await untilEnded(gateway.url, (await readJob(await post('/v1/jobs', { ...draft, upload: upload.id }))).id)
    ).at(-1)!;
    expect(done.state).toBe('succeeded');
    expect((await announce(right, 'a-liar')).complete).toBe(true);
  }, 60_000);

  test('a browser that the bucket’s rules don’t name sends its video to the server', async () => {
    const { store } = inference;
    store.origins.length = 0;
    store.seen.length = 0;
    const opened = await openWindow(browser, gateway.url);
    await opened.page.setInputFiles('#video-file', clip);
    await opened.page.click('button[type=submit]');
    await opened.page.waitForSelector('.progress, .result', { timeout: 60_000 });
    expect(store.seen.filter((seen) => seen.startsWith('PUT'))).toEqual([]);
    await opened.context.close();
    store.origins.push(gateway.url);
  }, 90_000);
});

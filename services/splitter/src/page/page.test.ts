/// <reference lib="dom" />
import { createWriteStream, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  CreateSplitRequest,
  DatasetVersion,
  RejectedClip,
  SplitClip,
  SplitSpec,
  SplitterServiceService,
} from '@soundstage/contracts';
import { createLocalAdapters } from '@soundstage/adapters-local';
import { sha256 } from '@soundstage/core';
import { makeTestClip, startTestServices, temporaryFolder, type TestServices } from '@soundstage/core/testing';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { countLabels, countSplits } from '../count.js';
import { SPLITS, type PlacedClip } from '../dataset-clip.js';
import { createSplitter, exportDataset } from '../index.js';
import { datasetPage } from './page.js';
import { chooseSample } from './sample.js';

const CHROMIUM = process.env.SOUNDSTAGE_CHROMIUM ?? '/usr/bin/chromium';
const ARTEFACTS = fileURLToPath(new URL('../../../../artefacts/dataset/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const present = existsSync(CHROMIUM);
if (!present) console.warn(`skipped: the tests of the dataset's page, since there is no Chromium at ${CHROMIUM}`);
const inChromium = present ? describe : describe.skip;

const HOSTILE = '</script><img src=x onerror=alert(1)> "glass" \u202e\u0007';
const CLIPS = 30;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let services: TestServices;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];
let address: string;

async function open(url: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

/** What axe finds, of any weight. It runs where the page's policy lets no script in. */
async function violations(): Promise<string[]> {
  const session = await context.newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: AXE });
  const { result } = await session.send('Runtime.evaluate', {
    expression:
      "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => JSON.stringify(violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).join(', '))))",
    awaitPromise: true,
  });
  await session.detach();
  return JSON.parse(String(result.value)) as string[];
}

const shown = () => page.textContent('#shown');
const cardNames = () => page.$$eval('.card', (cards) => cards.map((card) => card.getAttribute('aria-label')));

inChromium("A dataset's page", () => {
  beforeAll(async () => {
    mkdirSync(ARTEFACTS, { recursive: true });
    home = await temporaryFolder();
    services = await startTestServices(createLocalAdapters, [createSplitter], home.path);
    const paths = ['sounding', 'mute', 'still', 'other'].map((name) => join(home.path, `${name}.mp4`));
    await makeTestClip(paths[0]!, { seconds: 2 });
    await makeTestClip(paths[1]!, { seconds: 1, sound: false });
    await makeTestClip(paths[2]!, { seconds: 3, seed: 90, size: '96x160' });
    await makeTestClip(paths[3]!, { seconds: 2, seed: 180 });
    const media = await Promise.all(paths.map((path) => services.client.upload(readFileSync(path), 'video/mp4')));
    const broken = await services.client.upload(Buffer.from('this is no video'), 'video/mp4');
    const clips = Array.from({ length: CLIPS }, (_, n) =>
      SplitClip.fromPartial({
        clip: n === 7 ? broken : media[n % 4]!,
        sourceId: `source-${n}`,
        label: { 3: HOSTILE, 7: 'broken' }[n] ?? ['wood', 'glass', 'rain'][n % 3]!,
        durationS: 1 + (n % 3),
      }),
    );
    const rejected = [
      RejectedClip.fromPartial({ id: HOSTILE, label: 'wood', reason: 'silent_sound', message: HOSTILE }),
    ];
    const { job } = await services.client.call(
      SplitterServiceService.createSplit,
      CreateSplitRequest.fromPartial({
        spec: SplitSpec.fromPartial({
          ...{ name: 'looked-at', clips, rejected, profile: 'regnet' },
          ...{ trainShare: 0.6, validationShare: 0.2, testShare: 0.2, pageSamples: 28 },
        }),
      }),
    );
    const ended = await services.client.untilEnded(job!.id, 180_000);
    if (ended.result?.$case !== 'split') throw new Error(ended.error?.message);
    const version = ended.result.value.version!;
    await exportDataset(join(home.path, 'out'), { version, read: (key) => services.platform.store.get(key) });
    address = pathToFileURL(join(home.path, 'out', 'index.html')).href;
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    });
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await services?.drain();
    await home?.remove();
  });

  beforeEach(() => {
    complaints = [];
  });

  afterEach(async () => {
    await context?.close();
    expect(complaints).toEqual([]);
  });

  test('shows counts, warnings, labels, lengths, what was rejected, and clips with pictures and waveforms', async () => {
    await open(address);
    expect(await page.textContent('h1')).toBe('looked-at');
    expect((await page.textContent('.figures'))!.replaceAll(/\s+/g, ' ')).toMatch(
      /Clips 30 from \d+ sources.*Rejected 1/,
    );
    expect(await page.locator('.labels tbody tr').count()).toBe(5);
    expect(await page.getAttribute('.histogram', 'aria-label')).toBe('Lengths of 30 clips, 1.0 s to 3.0 s');
    expect(await page.textContent('.reasons')).toContain('silent_sound');
    expect(await page.textContent('#sample-words')).toMatch(/Pictures and waveforms of 28 of 30 clips/);
    expect(await page.locator('.card').count()).toBe(24);
    expect(await page.locator('.card:has(.stills)').count()).toBeGreaterThanOrEqual(23);
    const widths = await page.$$eval('.stills img', (images) =>
      (images as HTMLImageElement[]).map(({ naturalWidth }) => naturalWidth),
    );
    expect(Math.min(...widths)).toBeGreaterThan(50);
    await page.screenshot({ path: join(ARTEFACTS, 'light.png'), fullPage: true });
  }, 60_000);

  test('takes a hostile name for text', async () => {
    await open(address);
    await page.fill('#find', 'onerror');
    expect(await page.locator('.card').count()).toBe(1);
    expect(await page.textContent('.card h3')).toContain('</script><img src=x onerror=alert(1)>');
    expect(await page.locator('img[src="x"]').count()).toBe(0);
  }, 60_000);

  test('is clean for axe, light and dark, wide and narrow', async () => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['dark', 360],
    ] as const) {
      await open(address, { colorScheme, viewport: { width, height: 800 } });
      await page.click('summary >> text=Keys');
      expect(await violations()).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      await page.screenshot({ path: join(ARTEFACTS, `${colorScheme}-${width}.png`) });
      await context.close();
    }
  }, 120_000);

  test('lets one choose by label, split, words and remarks, and says how many there are', async () => {
    await open(address);
    expect(await shown()).toBe('1–24 of 30');
    await page.selectOption('#label', { label: 'rain' });
    expect(await shown()).toBe('1–10 of 10 chosen');
    expect((await cardNames()).every((name) => name!.startsWith('rain,'))).toBe(true);
    await page.selectOption('#split', 'train');
    expect((await cardNames()).every((name) => name!.startsWith('rain, train,'))).toBe(true);
    await page.selectOption('#label', '');
    await page.selectOption('#split', '');
    await page.selectOption('#show', 'remarked');
    expect(await page.textContent('#clips')).toContain('It has no sound.');
    await page.selectOption('#show', '');
    await page.fill('#find', 'SOURCE-29');
    expect(await cardNames()).toHaveLength(1);
    await page.fill('#find', 'nothing is called so');
    expect(await shown()).toBe('No clip is like that.');
  }, 60_000);

  test('tells what is wrong with a clip that cannot be read', async () => {
    await open(address);
    await page.selectOption('#show', 'remarked');
    const remarks = await page.$$eval('.remarks', (lists) => lists.map((list) => list.textContent));
    const broken = remarks.filter((text) => !/It has no sound/.test(text));
    expect(broken).toHaveLength(1);
    expect(broken[0]).toMatch(/^The file can/);
    expect(broken[0]).not.toMatch(/preview-|\/tmp\//);
  }, 60_000);

  test('is worked by the keyboard alone: clip to clip, page to page, play and pause', async () => {
    await open(address);
    await page.keyboard.press('j');
    const first = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    expect(first).toBe((await cardNames())[0]);
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(first);
    await page.keyboard.press(' ');
    await page.waitForFunction(() => document.querySelector('video')!.currentTime > 0.2);
    await page.keyboard.press(' ');
    expect(await page.evaluate(() => document.querySelector('video')!.paused)).toBe(true);
    await page.keyboard.press('.');
    expect(await shown()).toBe('25–30 of 30');
    for (let n = 0; n < 30; n++) await page.keyboard.press('k');
    expect(await shown()).toBe('1–24 of 30');
    for (let n = 0; n < 30; n++) await page.keyboard.press('j');
    expect(await shown()).toBe('25–30 of 30');
    await page.keyboard.press('/');
    await page.keyboard.type('jj');
    expect(await page.inputValue('#find')).toBe('jj');
  }, 60_000);

  test('goes to a still or a place in the waveform when it is clicked', async () => {
    await open(address);
    const card = page.locator('.card:has(.wave):has(.stills)').first();
    const video = card.locator('video');
    await card.locator('.stills button').nth(3).click();
    await page.waitForFunction(
      (element) => (element as HTMLVideoElement).currentTime > 0.5,
      await video.elementHandle(),
    );
    const box = (await card.locator('.wave').boundingBox())!;
    await page.mouse.click(box.x + box.width * 0.25, box.y + 10);
    const seekedTo = async () =>
      video.evaluate((element) => (element as HTMLVideoElement).currentTime / (element as HTMLVideoElement).duration);
    await page.waitForFunction((element) => !(element as HTMLVideoElement).seeking, await video.elementHandle());
    expect(await seekedTo()).toBeGreaterThan(0.15);
    expect(await seekedTo()).toBeLessThan(0.4);
  }, 60_000);

  test('plays the sound of an output beside its silent picture, and lets it follow', async () => {
    const folder = join(home.path, 'outputs');
    for (const name of ['video', 'audio']) mkdirSync(join(folder, name), { recursive: true });
    const id = sha256('outputs');
    await makeTestClip(join(folder, 'video', `${id}.mp4`), { seconds: 4, sound: false });
    await makeTestClip(join(folder, 'audio', `${id}.mp4`), { seconds: 4 });
    const file = (mediaType: string) => ({ key: 'media/x', sha256: id, sizeBytes: 1, mediaType });
    const clip: PlacedClip = {
      ...{ ...file('video/mp4'), id, sourceId: 's', label: 'wood', frameCount: 0, durationS: 4, ownSplit: '' },
      ...{ split: 'train', fold: 0, video: file('video/mp4'), audio: file('video/mp4') },
    };
    const version = DatasetVersion.fromPartial({ name: 'outputs', id, labels: countLabels([clip], []) });
    const preview = async () => ({ stills: [], peaks: [], durationS: 4, remarks: [] });
    const pieces = datasetPage({ version, clips: [clip], rejected: [], sample: [], preview });
    await pipeline(Readable.from(pieces), createWriteStream(join(folder, 'index.html')));
    await open('about:blank');
    await page.addInitScript(() => {
      const Original = globalThis.Audio;
      const made: HTMLAudioElement[] = [];
      Object.assign(globalThis, {
        made,
        Audio: function () {
          const sound = new Original();
          made.push(sound);
          return sound;
        },
      });
    });
    await page.goto(pathToFileURL(join(folder, 'index.html')).href);
    const apart = () =>
      page.evaluate(() => {
        const [sound] = (globalThis as unknown as { made: HTMLAudioElement[] }).made;
        const picture = document.querySelector('video')!;
        return { apartS: Math.abs(sound!.currentTime - picture.currentTime), sounding: !sound!.paused };
      });
    await page.keyboard.press('j');
    await page.keyboard.press(' ');
    await page.waitForFunction(() => document.querySelector('video')!.currentTime > 0.5);
    expect((await apart()).sounding).toBe(true);
    expect((await apart()).apartS).toBeLessThan(0.3);
    await page.evaluate(() => (document.querySelector('video')!.currentTime = 2.5));
    await page.waitForFunction(() => document.querySelector('video')!.currentTime > 2.8);
    expect((await apart()).apartS).toBeLessThan(0.3);
    await page.keyboard.press(' ');
    await page.waitForTimeout(200);
    expect((await apart()).sounding).toBe(false);
  }, 60_000);

  test('says where the media are when they are not beside it', async () => {
    const alone = join(home.path, 'alone.html');
    writeFileSync(alone, readFileSync(fileURLToPath(address)));
    await open(pathToFileURL(alone).href);
    await page
      .locator('.card video')
      .first()
      .evaluate((video) => void (video as HTMLVideoElement).play().catch(() => 0));
    await page.waitForSelector('#missing:visible');
    complaints = complaints.filter((text) => !text.includes('ERR_FILE_NOT_FOUND'));
  }, 60_000);

  test('of ten thousand clips opens in seconds, shows a stated sample, and answers at once', async () => {
    const clips: PlacedClip[] = Array.from({ length: 10_000 }, (_, n) => {
      const id = sha256(`clip ${n}`);
      return {
        ...{ id, sha256: id, key: `media/${id}`, sizeBytes: 1, mediaType: 'video/mp4' },
        ...{ sourceId: `source-${n % 4000}`, label: `label ${n % 309}`, frameCount: 0, durationS: 10, ownSplit: '' },
        ...{ split: SPLITS[n % 10 < 8 ? 0 : (n % 2) + 1]!, fold: 0 },
      };
    });
    const sample = chooseSample(clips, 2000);
    expect(chooseSample(clips, 2000)).toEqual(sample);
    expect(new Set(sample.map((index) => clips[index]!.label)).size).toBe(309);
    const jpegBase64 = Buffer.alloc(5000, 7).toString('base64');
    const version = DatasetVersion.fromPartial({
      ...{ name: 'large', id: sha256('large'), clips: countSplits(clips), labels: countLabels(clips, []) },
    });
    const path = join(home.path, 'large.html');
    const before = process.memoryUsage().rss;
    let highest = before;
    const pieces = datasetPage({
      ...{ version, clips, rejected: [], sample },
      preview: async () => {
        highest = Math.max(highest, process.memoryUsage().rss);
        const stills = [0, 1, 2, 3].map((timeS) => ({ timeS, jpegBase64 }));
        return { stills, peaks: Array<number>(200).fill(50), durationS: 10, remarks: [] };
      },
    });
    await pipeline(Readable.from(pieces), createWriteStream(path));
    expect((highest - before) / 2 ** 20).toBeLessThan(150);
    expect(statSync(path).size / 2 ** 20).toBeLessThan(32);

    const started = performance.now();
    await open(pathToFileURL(path).href);
    await page.waitForSelector('.card');
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(await page.textContent('#sample-words')).toMatch(/of ([\d,]+) of 10,000 clips, drawn evenly/);
    expect(await page.locator('.card').count()).toBe(24);
    const answerMs = await page.evaluate(() => {
      const find = document.querySelector<HTMLInputElement>('#find')!;
      const from = performance.now();
      find.value = 'source-39';
      find.dispatchEvent(new Event('input'));
      return performance.now() - from;
    });
    expect(answerMs).toBeLessThan(1000);
    expect(await shown()).toMatch(/^1–24 of \d+ chosen$/);
    expect(await page.locator('.scroll tbody tr').count()).toBe(300);
    complaints = [];
  }, 120_000);
});

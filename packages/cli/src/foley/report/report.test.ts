/// <reference lib="dom" />
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { BatchEntry, BatchState } from '../../batch/entry.js';
import { makeClip, makeMedia, testFolder } from '../../testing/run-cli.js';
import { writeWhole } from '../../write-whole.js';
import { peaksOf, type ClipView, type TakeView } from './clip-view.js';
import { reportPage } from './page.js';

const CHROMIUM = process.env.SOUNDSTAGE_CHROMIUM ?? '/usr/bin/chromium';
const ARTEFACTS = fileURLToPath(new URL('../../../../../artefacts/report/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const present = existsSync(CHROMIUM);
if (!present) console.warn(`skipped: the tests of the report, since there is no Chromium at ${CHROMIUM}`);
const inChromium = present ? describe : describe.skip;

const HOSTILE = '"><img src=x onerror="document.title=1">\'\n#?%41.mp4';
/** As people see it. */
const SHOWN = HOSTILE.replace('\n', '↵');
const folder = testFolder();
const { path } = folder;
let browser: Browser;
let page: Page;
let complaints: string[];

function entry(name: string, state: BatchState, clip?: Partial<ClipView>, reason?: string): BatchEntry<ClipView> {
  const input = { path: path(`in/${name}`), name, kind: 'video', bytes: 1, modifiedMs: 0 } as const;
  if (clip === undefined) return { input, state, reason, tookS: 0.2 };
  const whole = {
    durationS: 2,
    still: false,
    scene: 'struck',
    classes: [],
    warnings: [],
    tookS: 1,
    stills: [],
    takes: [],
  } as const;
  return { input, state, reason, tookS: 1, clip: { ...whole, ...clip } as ClipView };
}

const take = (video: string, peaks: number[], seed = 1): TakeView => ({
  seed,
  video,
  loudnessLufs: -23,
  truePeakDbtp: -4.5,
  sounds: [{ name: 'knock-1', licence: 'CC0-1.0' }],
  hits: 3,
  layers: 1,
  drawnHits: [0.5, 1, 1.5].map((timeS) => ({ timeS, strength: timeS / 1.5, class: 'wood<i>' })),
  drawnLayers: [{ class: 'wind', startS: 0.2, endS: 1.8, levels: [0.2, 1, 0.4] }],
  peaks,
});

beforeAll(async () => {
  if (!present) return;
  mkdirSync(ARTEFACTS, { recursive: true });
  makeClip(path('silent.mp4'));
  makeMedia('-i', path('silent.mp4'), '-f', 'lavfi', '-i', 'sine=d=2', '-c:v', 'copy', path('b.mp4'));
  for (const name of ['a.mp4', HOSTILE]) makeMedia('-i', path('b.mp4'), '-c', 'copy', `file:${path(name)}`);
  makeMedia('-i', path('b.mp4'), '-frames:v', '1', '-vf', 'scale=160:-2', path('still.jpg'));
  const jpegBase64 = readFileSync(path('still.jpg')).toString('base64');
  const peaks = await peaksOf(path('b.mp4'), 2);
  const stills = [{ timeS: 1, words: 'wood', jpegBase64 }];
  const wood = [{ label: 'wood', confidence: 0.83 }];
  const entries = [
    entry('a.mp4', 'done', { takes: [take('a.mp4', peaks)], classes: wood, timingTrust: 0.8, stills }),
    entry('b.mp4', 'done', {
      takes: [take('b.mp4', peaks), take('a.mp4', peaks, 2)],
      timingTrust: 0.3,
      warnings: ['It is dark.'],
      stills,
    }),
    entry('broken.mp4', 'refused', undefined, '“broken.mp4” is empty (0 bytes).'),
    entry(HOSTILE, 'skipped', { takes: [take(HOSTILE, peaks)], classes: [{ label: '<b>', confidence: 1 }], stills }),
  ];
  const content = { outputFolder: folder.root, entries, total: 5, whole: async (each: BatchEntry<ClipView>) => each };
  await writeWhole(path('report.html'), reportPage(content));
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  folder.remove();
});

async function open(options: Parameters<Browser['newPage']>[0] = {}): Promise<void> {
  complaints = [];
  page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  page.setDefaultTimeout(10_000);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (/^(https?|ftp|ws):/.test(request.url())) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(pathToFileURL(path('report.html')).href);
}

const names = () =>
  page.$$eval('.card:not([hidden])', (cards) => cards.map((card) => (card as HTMLElement).dataset.name));
const time = (card: string) =>
  page.$eval(`${card} .take:not([hidden]) video`, (video) => (video as HTMLVideoElement).currentTime);

inChromium('The report', () => {
  afterEach(async () => {
    await page?.close();
    expect(complaints).toEqual([]);
  });

  test('shows first what needs a look, and finds, chooses and sorts', async () => {
    await open();
    expect(await page.textContent('.counts')).toMatch(/Done\s*2\s*There already\s*1\s*Refused\s*1\s*Low trust\s*1/);
    expect(await page.textContent('.top')).toContain('1 more left');
    expect(await names()).toEqual(['broken.mp4', 'b.mp4', 'a.mp4', SHOWN]);
    await page.selectOption('#sort', 'name');
    expect(await names()).toEqual(['a.mp4', 'b.mp4', 'broken.mp4', SHOWN]);
    await page.selectOption('#show', 'wrong');
    expect(await names()).toEqual(['broken.mp4']);
    await page.selectOption('#show', 'low');
    expect(await names()).toEqual(['b.mp4']);
    await page.selectOption('#show', 'all');
    await page.selectOption('#class', '<b>');
    expect(await names()).toEqual([SHOWN]);
    await page.fill('#find', 'nothing like it');
    expect(await page.textContent('#shown')).toBe('0 of 4 shown');
    await page.click('#all');
    expect(await names()).toHaveLength(4);
  }, 30_000);

  test('plays, and goes to where one clicks: into the wave, at a hit, at a picture, in the list', async () => {
    await open();
    await page.locator('#clip-1').scrollIntoViewIfNeeded();
    const box = (await (await page.$('#clip-1 .timeline'))!.boundingBox())!;
    await page.mouse.click(box.x + 0.25 * box.width + 5, box.y + 20); // five pixels beside the hit
    await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('#clip-1 video')!.currentTime === 0.5);
    await page.mouse.click(box.x + 0.4 * box.width, box.y + 60);
    expect(await time('#clip-1')).toBeCloseTo(0.8, 1);
    await page.click('#clip-1 .stills button');
    expect(await time('#clip-1')).toBe(1);
    await page.click('#clip-1 .hit-list summary');
    await page.click('#clip-1 .hit-list li:nth-child(3) button');
    expect(await time('#clip-1')).toBe(1.5);
    expect(await page.textContent('#clip-1 .hit-list li')).toBe('0:00.50 wood<i>, strength 33 %');
    expect(await page.getAttribute('#clip-1 .timeline', 'aria-valuetext')).toBe('0:01.50');
  }, 30_000);

  test('is worked by the keyboard: clips, play, hits, takes', async () => {
    await open();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('clip-2');
    await page.keyboard.press('.');
    await page.keyboard.press('.');
    await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('#clip-2 video')!.currentTime === 1);
    await page.keyboard.press(',');
    expect(await time('#clip-2')).toBe(0.5);
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('#clip-2 video')!.currentTime > 0.7);
    await page.keyboard.press('t');
    expect(await page.$$eval('#clip-2 .take', (takes) => takes.map((each) => (each as HTMLElement).hidden))).toEqual([
      true,
      false,
    ]);
    expect(await page.$$eval('video', (videos) => videos.every(({ paused }) => paused))).toBe(true);
    await page.keyboard.press('k');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('clip-3');
    await page.keyboard.press('/');
    await page.keyboard.type('jk');
    expect(await page.inputValue('#find')).toBe('jk');
  }, 30_000);

  test('shows a hostile name as what it is, and plays its file', async () => {
    await open();
    expect(await page.textContent('#clip-4 h2')).toContain(SHOWN);
    expect(await page.$('#clip-4 img[src=x]')).toBeNull();
    await page.$eval('#clip-4 video', (video) => (video as HTMLVideoElement).load());
    await page.click('#clip-4 .stills button');
    await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('#clip-4 video')!.currentTime === 1);
    expect(await page.title()).toBe('Foley report: 4 clips');
  }, 30_000);

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)(
    'has no accessibility violation and fits: %s, %i pixels wide',
    async (colorScheme, width) => {
      await open({ colorScheme, viewport: { width, height: 900 } });
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      await page.screenshot({ path: `${ARTEFACTS}report-${colorScheme}-${width}.png`, fullPage: true });
      const session = await page.context().newCDPSession(page);
      await session.send('Runtime.evaluate', { expression: AXE });
      const { result } = await session.send('Runtime.evaluate', {
        expression:
          "axe.run(document).then(({ violations }) => violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).join(', ')).join('\\n'))",
        awaitPromise: true,
      });
      expect(result.value).toBe('');
    },
    30_000,
  );
});

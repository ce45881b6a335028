/// <reference lib="dom" />
import { mkdirSync, mkdtempSync, readFileSync, rmSync, existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { SyncMeasurement } from '../measurement.js';
import { makeFilm, makeStill } from '../testing/made-film.js';
import { makeSignals, measureSignals } from '../testing/made-signals.js';
import { heatGrid, NOTHING } from './heat-grid.js';
import { syncReport, type SyncReportOptions } from './page.js';
import { standaloneSigns } from './sign-picture.js';
import { headline, lateness } from './words.js';

const CHROMIUM = process.env.SOUNDSTAGE_CHROMIUM ?? '/usr/bin/chromium';
const ARTEFACTS = fileURLToPath(new URL('../../../../artefacts/sync/', import.meta.url));
const DOCUMENTED = new URL('../../../../docs/sync-sign.svg', import.meta.url);
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const present = existsSync(CHROMIUM);
if (!present) console.warn(`skipped: the tests of sync's report, since there is no Chromium at ${CHROMIUM}`);
const inChromium = present ? describe : describe.skip;

const HOSTILE = '</script><img src=x onerror=document.title=1> "\u202e\'.mp4';
const DURATION_S = 16;
const SILENCE = [{ startS: 6.2, endS: 7.8 }];

const faces = (speaksS: number): SyncMeasurement['evidence']['faces'] => [
  { startS: 0, endS: 9, speaksS, boxes: boxesOf(0, 9, 0.45) },
  { startS: 9.4, endS: 16, speaksS: speaksS / 2, boxes: boxesOf(9.4, 16, 0.6) },
  { startS: 9.4, endS: 13, speaksS: 0, boxes: boxesOf(9.4, 13, 0.25) },
];

function boxesOf(startS: number, endS: number, height: number) {
  const count = Math.floor((endS - startS) * 2);
  return Array.from({ length: count }, (_, i) => ({
    ...{ timeS: startS + i / 2, x: 0.3, y: 0.2, width: height * 0.6 },
    height: height * (1 + 0.25 * Math.sin(i / 3)),
  }));
}

function measured(
  offsetMs: (timeS: number) => number,
  more: { unrelated?: boolean; seed?: number } = {},
): SyncMeasurement {
  const found = measureSignals(makeSignals({ durationS: DURATION_S, offsetMs, ...more }), { silence: SILENCE });
  return { ...found, evidence: { ...found.evidence, faces: faces(7), shotsS: [0, 9.2, 13.1] } };
}

const late = measured(() => 240);
const repaired = measured(() => 0);
const pieces = measured((timeS) => (timeS < 5 ? -120 : timeS < 11 ? 310 : 60));
const drifting = measured((timeS) => 100 + 20 * timeS);
const strange = measured(() => 0, { unrelated: true });

let folder: string;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  if (!present) return;
  mkdirSync(ARTEFACTS, { recursive: true });
  folder = mkdtempSync(join(tmpdir(), 'soundstage-sync-report-'));
  makeFilm(join(folder, 'late #1.mp4'), { durationS: DURATION_S, offsetMs: 240 });
  makeFilm(join(folder, 'repaired.mp4'), { durationS: DURATION_S });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
  });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const players = { before: 'late%20%231.mp4', after: 'repaired.mp4' };
const thumbnails = () => {
  const jpeg = makeStill(join(folder, 'repaired.mp4'), 1.04);
  return [1.04, 4, 9.6].map((timeS) => ({ timeS, jpeg }));
};

async function open(options: SyncReportOptions, window: Parameters<Browser['newContext']>[0] = {}): Promise<void> {
  const path = join(folder, 'report.html');
  writeFileSync(path, syncReport(options));
  complaints = [];
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...window });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(pathToFileURL(path).href);
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

const times = () => page.$$eval('video', (all) => all.map(({ currentTime }) => currentTime));
const muted = () => page.$$eval('video', (all) => all.map((video) => video.muted));

describe('The words of a sync report', () => {
  test('say the answer as one would', () => {
    expect(headline(late)).toBe('The sound comes 240 ms late');
    expect(headline({ ...late, offsetMs: -1234 })).toBe('The sound comes 1.23 s early');
    expect(headline(repaired)).toBe('Picture and sound are in sync');
    expect(headline(pieces)).toMatch(/^The offset changes: 3 parts, from 12\d ms early to 3[01]\d ms late$/);
    expect(headline(drifting)).toMatch(/^The sound drifts, from (9|10|11)\d ms late to 4[0-4]\d ms late$/);
    expect(headline(strange)).toBe('It can’t be told whether picture and sound fit');
    expect(lateness(-0.4)).toBe('0 ms');
  });

  test('tell by a picture what the sign means, which the documentation shows too', () => {
    if (process.env.SOUNDSTAGE_WRITE_DOCS) writeFileSync(DOCUMENTED, standaloneSigns());
    expect(readFileSync(DOCUMENTED, 'utf8')).toBe(standaloneSigns());
  });
});

describe('The map of a sync report', () => {
  test('is brightest where the signals agree, and empty where nothing was measured', () => {
    const { columns, rows, cells } = heatGrid(late.evidence, DURATION_S)!;
    const column = (timeS: number) => {
      const at = Math.floor((timeS / DURATION_S) * columns) * rows;
      return [...cells.subarray(at, at + rows)];
    };
    const at3 = column(3);
    expect(at3.indexOf(Math.max(...at3)) * 10 - 1000).toBeCloseTo(240, -1.5);
    expect(column(7).every((cell) => cell === NOTHING)).toBe(true);
  });

  test('stays small for a long film and a wide range', () => {
    const offsetsMs = Array.from({ length: 1001 }, (_, i) => i * 10 - 5000);
    const scores = offsetsMs.map((ms) => (ms === 1230 ? 1 : 0));
    const map = Array.from({ length: 1000 }, (_, i) => ({ timeS: i * 4, scores }));
    const { columns, rows, cells } = heatGrid({ ...late.evidence, offsetsMs, map }, 4000)!;
    expect([columns, rows]).toEqual([600, 201]);
    const best = cells.indexOf(Math.max(...cells.subarray(0, rows)));
    expect(Math.abs((best / (rows - 1)) * 10_000 - 5000 - 1230)).toBeLessThanOrEqual(50);
  });
});

inChromium('The page of a sync report', () => {
  afterEach(async () => {
    expect(complaints).toEqual([]);
    await context?.close();
  });

  test('says the answer first, and shows a hostile name as what it is', async () => {
    await open({ title: HOSTILE, before: late, after: repaired, players, thumbnails: thumbnails() });
    expect(await page.textContent('h1')).toBe('The sound comes 240 ms late');
    expect(await page.textContent('.repair')).toContain('in sync');
    expect(await page.title()).toContain('<img src=x');
    expect(await page.$('img[src=x]')).toBeNull();
    expect(await page.getAttribute('.sign', 'aria-label')).toContain('heard 240 ms later');
    expect(await page.textContent('#segments-title + .scroll tbody tr')).toMatch(/240 ms late.*%.*s of speech/s);
  }, 30_000);

  test('draws the map, and reads out what was measured at a place', async () => {
    await open({ title: 'late.mp4', before: late, after: repaired });
    const [bright, dark, silent] = await page.$eval('[data-map=before] canvas', (canvas) => {
      const { data, width } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, 64, 201);
      const pixel = (column: number, ms: number) => [
        ...data.subarray(((100 - ms / 10) * width + column) * 4).slice(0, 4),
      ];
      return [pixel(12, 240), pixel(12, -600), pixel(28, 240)];
    });
    expect(bright[1]! - dark[1]!).toBeGreaterThan(80);
    expect(silent[3]).toBe(0);
    await page.focus('#place');
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
    expect(await page.textContent('#readout')).toMatch(/^0:03\.00, agrees best at 2[345]0 ms late$/);
    await page.check('input[name=map][value=after]');
    expect(await page.isVisible('[data-map=before]')).toBe(false);
    expect(await page.textContent('#readout')).toMatch(/agrees best at (0 ms|10 ms (early|late))$/);
    const box = (await (await page.$('#place'))!.boundingBox())!;
    await page.mouse.click(box.x + (7 / DURATION_S) * box.width, box.y + 40);
    expect(await page.getAttribute('#place', 'aria-valuetext')).toMatch(/0:0[67]\.\d\d, nothing was measured here/);
  }, 30_000);

  test('plays both pictures together, with the sound of one of them', async () => {
    await open({ title: 'late.mp4', before: late, after: repaired, players });
    expect(await muted()).toEqual([true, false]);
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('#video-after')!.currentTime > 0.8);
    const [before, after] = await times();
    expect(Math.abs(before! - after!)).toBeLessThan(0.2);
    expect(await page.textContent('#play')).toBe('Pause');
    await page.keyboard.press('b');
    expect(await muted()).toEqual([false, true]);
    await page.click('#play');
    expect(await page.$$eval('video', (all) => all.every(({ paused }) => paused))).toBe(true);
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => {
      const [a, b] = [...document.querySelectorAll('video')];
      return a!.currentTime > 1.7 && Math.abs(a!.currentTime - b!.currentTime) < 0.001;
    });
  }, 30_000);

  test('jumps to each segment, and repeats what lies around a place', async () => {
    await open({ title: 'pieces.mp4', before: pieces, players: { before: players.before } });
    expect(await page.$$eval('tbody:first-of-type [data-jump]', (all) => all.length)).toBe(3);
    await page.keyboard.press('n');
    await page.waitForFunction(() => Math.abs(document.querySelector('video')!.currentTime - 5) < 0.6);
    await page.keyboard.press('n');
    await page.waitForFunction(() => Math.abs(document.querySelector('video')!.currentTime - 11) < 0.6);
    await page.click('.jumps li:last-child button');
    await page.keyboard.press('l');
    await page.focus('#place');
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.querySelector('video')!.currentTime > 15.5);
    await page.click('#play'); // from the end it starts at the beginning: the loop is around it
    await page.waitForFunction(() => document.querySelector('video')!.currentTime > 1.6);
    await page.waitForFunction(() => document.querySelector('video')!.currentTime < 0.8);
  }, 30_000);

  test('says why nothing can be told and what can be done', async () => {
    await open({ title: 'dubbed.mp4', before: strange });
    expect(await page.textContent('h1')).toContain('can’t be told');
    expect(await page.textContent('.next')).toMatch(
      /don’t move with the sound.*1\.00 s early to 1\.00 s late.*--range 5/s,
    );
    expect(await page.$('.sign')).toBeNull();
    expect(await page.$('video')).toBeNull();
  }, 30_000);

  test('says where the films are not beside it', async () => {
    await open({ title: 'late.mp4', before: late, players: { before: 'gone.mp4' } });
    await page.waitForSelector('#unplayable:not([hidden])');
    complaints = complaints.filter((words) => !words.includes('ERR_FILE_NOT_FOUND'));
  }, 30_000);

  test.each([
    ['offset', 'light', 1280],
    ['offset', 'light', 320],
    ['pieces', 'dark', 320],
    ['pieces', 'light', 1280],
    ['drift', 'dark', 1280],
    ['dubbed', 'light', 320],
  ] as const)(
    'has no accessibility violation and fits: %s, %s, %i pixels wide',
    async (what, colorScheme, width) => {
      const content: Record<typeof what, SyncReportOptions> = {
        offset: { title: 'interview.mp4', before: late, after: repaired, players, thumbnails: thumbnails() },
        pieces: { title: 'three parts.mp4', before: pieces, players: { before: players.before } },
        drift: { title: 'tape.mp4', before: drifting, after: { ...drifting, offsetMs: 250 }, kept: false },
        dubbed: {
          title: 'dubbed.mp4',
          before: { ...strange, warnings: ['The sound has two tracks: the first is measured.'] },
        },
      };
      await open(content[what], { colorScheme, viewport: { width, height: 900 } });
      await page.keyboard.press('ArrowRight');
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      await page.screenshot({ path: join(ARTEFACTS, `${what}-${colorScheme}-${width}.png`), fullPage: true });
      expect(await violations()).toEqual([]);
    },
    30_000,
  );
});

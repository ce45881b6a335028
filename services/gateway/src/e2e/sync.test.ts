/// <reference lib="dom" />
import { longTest } from '@soundstage/core/contract-tests';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startGateway, type Gateway } from '../server.js';
import { hasChromium, launchChromium, openWindow, type Window } from '../testing/chromium.js';
import { startFakeInference } from '../testing/fake-inference.js';
import { drawFlashes } from '../testing/fake-sync.js';
import type { TestInference } from '../testing/inference.js';

const inChromium = hasChromium() ? describe : describe.skip;

let inference: TestInference;
let gateway: Gateway;
let browser: Browser;
let opened: Window;
let page: Page;
let late: string;
let silent: string;

async function open(hash = '', options: Parameters<typeof openWindow>[2] = {}): Promise<void> {
  opened = await openWindow(browser, gateway.url, options);
  ({ page } = opened);
  await page.evaluate((to) => (location.hash = to), hash);
}

inChromium('The tab of sync', () => {
  beforeAll(async () => {
    inference = await startFakeInference();
    gateway = await startGateway({ inferenceAddress: inference.address, port: 0, uploadLimitBytes: 200e6 });
    late = await drawFlashes(join(inference.folder, 'late.mp4'), 300);
    silent = await drawFlashes(join(inference.folder, 'silent.mp4'), undefined);
    browser = await launchChromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await gateway?.close(500);
    await inference?.remove();
  });

  afterEach(async () => {
    await opened?.context.close();
    expect(opened?.complaints).toEqual([]);
  });

  test('measures and repairs by keyboard alone, plays before and after, and gives the file and its report', async () => {
    await open();
    await opened.tabTo('[role=tab][aria-selected=true]');
    expect(await page.textContent('[role=tab][aria-selected=true]')).toBe('Foley');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => location.hash === '#/sync' && document.activeElement?.id === 'tab-sync');
    await page.waitForSelector('#range');
    expect(await page.getAttribute('#panel', 'aria-labelledby')).toBe('tab-sync');
    await opened.tabTo('#video-file');
    await page.setInputFiles('#video-file', late);
    await opened.tabTo('#range');
    await page.keyboard.press('ArrowDown');
    expect(await page.inputValue('#range')).toBe('2');
    await opened.shoot('sync-1-start');
    await opened.tabTo('button[type=submit]');
    await page.keyboard.press('Enter');

    await page.waitForSelector('.sync-result', { timeout: 60_000 });
    expect(await page.textContent('h1')).toMatch(/^The sound comes (2[789]|3[012])\d ms late$/);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('result-title');
    expect(await page.textContent('.notice-done')).toMatch(/Repaired.*picture and sound are in sync/);
    expect(await page.textContent('[role=tab][aria-selected=true]')).toBe('Sync');
    expect(await page.textContent('.segments tbody tr')).toMatch(/0:00\.0 to 0:08\.0.*ms late.*97 %/);

    await opened.tabTo('.transport-play');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('video')[1]!.currentTime > 0.5);
    const states = () => page.$$eval('video', (all) => all.map(({ muted, paused }) => [muted, paused]));
    expect(await states()).toEqual([
      [true, false],
      [false, false],
    ]);
    await opened.tabTo('input[name=ear]');
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(() => document.querySelectorAll('video')[1]!.muted);
    expect((await states()).map(([muted]) => muted)).toEqual([false, true]);
    await page.click('.transport-play');

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Download')]);
    expect(download.suggestedFilename()).toBe('late in sync.mp4');
    expect(statSync(await download.path()).size).toBeGreaterThan(statSync(late).size / 2);
    const [report] = await Promise.all([page.waitForEvent('popup'), page.click('a:has-text("Report")')]);
    expect(await report.textContent('h1')).toBe(await page.textContent('h1'));
    // Its own script runs where nothing else may.
    await report.focus('#place');
    await report.keyboard.press('ArrowRight');
    await report.waitForFunction(() => document.getElementById('readout')!.textContent.startsWith('0:01.00'));
    await report.close();
  }, 120_000);

  longTest(
    'only measures where that is asked, and repairs afterwards',
    async () => {
      await open('#/sync');
      await page.setInputFiles('#video-file', late);
      await page.click('.switch');
      await page.click('text=Measure it');
      await page.waitForSelector('.sync-result', { timeout: 60_000 });
      expect(await page.$$('video')).toHaveLength(1);
      expect(await page.$('text=Download')).toBeNull();
      await page.click('text=Repair it');
      await page.waitForSelector('.notice-done', { timeout: 60_000 });
      await page.waitForFunction(() => document.querySelectorAll('.history-list li').length === 3);
      expect(await page.textContent('.history-list li:last-child')).toMatch(/late\.mp4.*ms late/);
    },
    120_000,
  );

  test('says why it can’t tell and what helps; foley’s list stays its own', async () => {
    await open('#/sync');
    await page.click('button[type=submit]');
    expect(await page.textContent('[role=alert]')).toContain('Choose a video first');
    await page.setInputFiles('#video-file', silent);
    await page.click('button[type=submit]');
    await page.waitForSelector('.sync-result', { timeout: 60_000 });
    expect(await page.textContent('h1')).toContain('can’t be told');
    expect(await page.textContent('.advice')).toContain('part of the film with speech');
    expect(await opened.seriousViolations()).toEqual([]);
    await opened.shoot('sync-2-cannot-tell');
    await page.click('#tab-foley');
    await page.waitForSelector('#sound');
    await page.waitForSelector('.history-empty');
  }, 120_000);

  test.each([
    ['light', 1280],
    ['dark', 320],
  ] as const)(
    'has no serious accessibility violation and fits: %s, %i pixels wide',
    async (colorScheme, width) => {
      await open('#/sync', { colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' });
      await page.waitForSelector('#range');
      expect(await opened.seriousViolations()).toEqual([]);
      expect(await opened.fits()).toBe(true);
      await opened.shoot(`sync-start-${colorScheme}-${width}`);
      await page.click('.history-list li:has-text("ms late") a');
      await page.waitForSelector('.sync-result');
      expect(await opened.seriousViolations()).toEqual([]);
      expect(await opened.fits()).toBe(true);
      await opened.shoot(`sync-result-${colorScheme}-${width}`);
    },
    60_000,
  );
});

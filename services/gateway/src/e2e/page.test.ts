/// <reference lib="dom" />
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { longTest } from '@soundstage/core/contract-tests';
import { startGateway, type Gateway } from '../server.js';
import { hasChromium, launchChromium, openWindow, type Window } from '../testing/chromium.js';
import { drawClip, startInference, STRIKE_EVERY_S, type TestInference } from '../testing/inference.js';

/** The clip that the project ships; the drawn one stands in for it where the demo isn't there. */
const DEMO = fileURLToPath(new URL('../../../inference/demo/demo.mp4', import.meta.url));
const inChromium = hasChromium() ? describe : describe.skip;

let inference: TestInference;
let gateway: Gateway;
let browser: Browser;
let opened: Window;
let page: Page;
let clip: string;
let longerClip: string;
let longClip: string;

async function open(options: Parameters<typeof openWindow>[2] = {}): Promise<void> {
  opened = await openWindow(browser, gateway.url, options);
  ({ page } = opened);
}
const { seriousViolations, shoot, tabTo, fits } = {
  seriousViolations: () => opened.seriousViolations(),
  shoot: (name: string, fullPage?: boolean) => opened.shoot(name, fullPage),
  tabTo: (selector: string) => opened.tabTo(selector),
  fits: () => opened.fits(),
};

async function makeSound(file: string, sound = ''): Promise<void> {
  await page.setInputFiles('#video-file', file);
  if (sound) await page.fill('#sound', sound);
  await page.click('button[type=submit]');
}

inChromium('The page', () => {
  beforeAll(async () => {
    inference = await startInference();
    gateway = await startGateway({ inferenceAddress: inference.address, port: 0, uploadLimitBytes: 200e6 });
    clip = drawClip(inference.folder);
    longerClip = drawClip(inference.folder, { name: 'a longer one.mp4', seconds: 24, size: '640x480' });
    longClip = drawClip(inference.folder, { name: 'a long one.mp4', seconds: 90, size: '640x480' });
    browser = await launchChromium();
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    await gateway?.close(500);
    await inference?.remove();
  });

  afterEach(async () => {
    await opened?.context.close();
    expect(opened?.complaints).toEqual([]);
  });

  test('makes a soundtrack by keyboard alone, shows its progress and plays the result beside the original', async () => {
    await open();
    await shoot('1-start');
    // The file dialogue is the browser's own; what it gives is put in here, everything else is keys.
    await tabTo('#video-file');
    await page.setInputFiles('#video-file', longerClip);
    await tabTo('#sound');
    await page.keyboard.type('wood');
    await tabTo('[role=switch]');
    await page.keyboard.press('Space');
    expect(await page.isChecked('[role=switch]')).toBe(true);
    await page.keyboard.press('Space');
    await shoot('2-chosen');
    // Progress is written once a second: this clip takes several even on a fast machine. What the page says is
    // recorded by the page, since a look every so often may miss some of it.
    await page.evaluate(() => {
      const seen = new Set<string>();
      Object.assign(window, { progressSeen: seen });
      new MutationObserver(() => {
        const bar = document.querySelector('.progress [role=progressbar]');
        if (bar) seen.add(bar.getAttribute('aria-valuetext') ?? '');
      }).observe(document.body, { subtree: true, childList: true, attributes: true });
    });
    await tabTo('button[type=submit]');
    await page.keyboard.press('Enter');

    await page.waitForSelector('.result', { timeout: 120_000 });
    const seen = await page.evaluate(() => [...(window as unknown as { progressSeen: Set<string> }).progressSeen]);
    expect(seen.length).toBeGreaterThan(2);
    // Whoever can't see it is taken to the result's heading.
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('result-title');

    await page.waitForFunction(() =>
      document.querySelector('.timeline-canvas')?.firstElementChild?.shadowRoot?.querySelector('canvas'),
    );
    expect(await page.$('.timeline-note')).toBeNull();
    await shoot('3-result');

    await tabTo('.transport-play');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('.screen video')!.currentTime > 0.5);
    const times = () =>
      page.$$eval('.screen video', (videos) =>
        (videos as HTMLVideoElement[]).map((v) => [v.currentTime, v.muted, v.paused]),
      );
    const [[lead, leadMuted, leadPaused] = [], [follower, followerMuted, followerPaused] = []] = await times();
    expect([leadMuted, followerMuted, leadPaused, followerPaused]).toEqual([false, true, false, false]);
    expect(Math.abs(Number(lead) - Number(follower))).toBeLessThan(0.2);

    await tabTo('input[name=ear]');
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(() => document.querySelectorAll<HTMLVideoElement>('.screen video')[0]!.muted);
    expect((await times()).map(([, muted]) => muted)).toEqual([true, false]);
    await page.focus('.transport-play');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => [...document.querySelectorAll('video')].every((v) => v.paused));
  }, 180_000);

  test('marks the moments where they are, and the arrows go from one to the next', async () => {
    await open();
    await makeSound(clip, 'wood');
    await page.waitForSelector('.result', { timeout: 60_000 });
    await page.waitForSelector('.hit');
    const labels = await page.$$eval('.hit', (hits) => hits.map((hit) => hit.getAttribute('aria-label')!));
    const at = labels.map((label) => Number(/([\d.]+) s,/.exec(label)![1]));
    expect(at.length).toBeGreaterThan(2);
    // The block strikes 0.2 s into each fall.
    for (const time of at) expect(Math.abs((time % STRIKE_EVERY_S) - 0.2)).toBeLessThan(0.1);

    await page.focus('.hit[tabindex="0"]');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await page.textContent('[data-said]')).toMatch(/^Hit 3 of /);
    const positions = () =>
      page.$$eval('.screen video', (videos) => (videos as HTMLVideoElement[]).map((v) => v.currentTime));
    await page.waitForFunction(
      (time) => [...document.querySelectorAll('video')].every((v) => Math.abs(v.currentTime - time) < 0.02),
      at[2]!,
    );
    await page.focus('.timeline-range');
    await page.keyboard.press('ArrowLeft');
    expect((await positions())[0]).toBeCloseTo(at[2]! - 0.25, 1);

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Download')]);
    expect(download.suggestedFilename()).toBe('clip with sound.mp4');
    expect(statSync(await download.path()).size).toBeGreaterThan(statSync(clip).size / 2);
  }, 180_000);

  longTest(
    'makes another take with another number, and lists both',
    async () => {
      await open();
      await page.click('.history-list a >> nth=0');
      await page.waitForSelector('.result');
      const first = page.url();
      await page.click('text=Another take');
      await page.waitForURL((url) => url.toString() !== first);
      await page.waitForSelector('.result', { timeout: 60_000 });
      expect(await page.textContent('.result-lede')).not.toContain('Take 0');
      await page.waitForFunction(() => document.querySelectorAll('.history-list li').length > 1);
    },
    180_000,
  );

  test('stops a job that is cancelled', async () => {
    await open();
    await makeSound(longClip);
    await page.waitForSelector('.progress');
    await page.waitForFunction(
      () => Number(document.querySelector('.progress [role=progressbar]')?.getAttribute('aria-valuenow')) > 2,
    );
    await shoot('4-progress', false);
    expect(await seriousViolations()).toEqual([]);
    await page.click('.progress >> text=Cancel');
    await page.waitForSelector('h1:has-text("Cancelled")');
    await shoot('5-cancelled', false);
  }, 180_000);

  test('says what is wrong with a text file named .mp4, and goes on with the next', async () => {
    await open();
    const path = join(inference.folder, 'letter.mp4');
    writeFileSync(path, 'This is no video.\n'.repeat(100));
    await makeSound(path);
    await page.waitForSelector('h1:has-text("No soundtrack could be made")');
    expect(await page.textContent('main [role=alert]')).toContain('letter.mp4');
    await shoot('6-failed', false);
    expect(await seriousViolations()).toEqual([]);
    await page.click('text=Choose another video');
    await page.waitForSelector('#video-file');
  }, 60_000);

  test('refuses at once what can’t work: nothing, an empty file, an unknown sound', async () => {
    await open();
    await page.click('button[type=submit]');
    expect(await page.textContent('[role=alert]')).toContain('Choose a video or an image first');
    const empty = join(inference.folder, 'empty.mp4');
    writeFileSync(empty, '');
    await page.setInputFiles('#video-file', empty);
    expect(await page.textContent('[role=alert]')).toContain('is empty');
    await makeSound(clip, 'xyzzy');
    await page.waitForSelector('[role=alert]:has-text("xyzzy")');
    expect(await page.inputValue('#sound')).toBe('xyzzy');
    opened.complaints = opened.complaints.filter((text) => !text.includes('400')); // Chromium's own line about the refused form
  }, 60_000);

  test.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)(
    'has no serious accessibility violation and fits: %s, %i pixels wide',
    async (colorScheme, width) => {
      await open({ colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' });
      expect(await seriousViolations()).toEqual([]);
      expect(await fits()).toBe(true);
      await shoot(`start-${colorScheme}-${width}`);
      await page.click('.history-list li:has(.state-succeeded) a');
      await page.waitForFunction(() => document.querySelector('.cue-wave .timeline-canvas')?.firstElementChild);
      expect(await seriousViolations()).toEqual([]);
      expect(await fits()).toBe(true);
      await shoot(`result-${colorScheme}-${width}`);
    },
    60_000,
  );

  (existsSync(DEMO) ? longTest : test.skip)(
    'shows the demo',
    async () => {
      await open({ viewport: { width: 1280, height: 1075 } });
      await makeSound(DEMO);
      await page.waitForSelector('.cue-timeline', { timeout: 120_000 });
      await page.waitForFunction(() => document.querySelector('.cue-wave .timeline-canvas')?.firstElementChild);
      await page.click('text=Add a layer');
      await page.click('.hit >> nth=2');
      await page.keyboard.press('ArrowDown');
      await page.evaluate(() =>
        scrollTo(0, document.querySelector('.stage')!.getBoundingClientRect().top + scrollY - 16),
      );
      await page.waitForFunction(() => [...document.querySelectorAll('video')].every((v) => !v.seeking));
      await page.waitForTimeout(500);
      await shoot('demo', false);
    },
    150_000,
  );
});

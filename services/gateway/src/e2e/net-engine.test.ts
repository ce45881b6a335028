/// <reference lib="dom" />
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startGateway, type Gateway } from '../server.js';
import { hasChromium, launchChromium, openWindow, type Window } from '../testing/chromium.js';
import { startFakeInference } from '../testing/fake-inference.js';
import { drawClip, type TestInference } from '../testing/inference.js';

const inChromium = hasChromium() ? describe : describe.skip;

let inference: TestInference;
let gateway: Gateway;
let browser: Browser;
let opened: Window;

inChromium('The page with the engine that draws', () => {
  beforeAll(async () => {
    inference = await startFakeInference();
    gateway = await startGateway({ inferenceAddress: inference.address, port: 0 });
    browser = await launchChromium();
    opened = await openWindow(browser, gateway.url);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await gateway?.close(500);
    await inference?.remove();
  });

  test('asks for it without a sound or mutes, and shows the video with its models and no editor', async () => {
    const { page } = opened;
    await page.setInputFiles('#video-file', drawClip(inference.folder, { seconds: 2 }));
    await page.fill('#sound', 'wood');
    await page.check('input[name=engine][value=regnet]');
    expect(await page.locator('#sound, .mute').count()).toBe(0);
    await opened.shoot('net-1-start');
    expect(await opened.seriousViolations()).toEqual([]);
    await page.selectOption('#candidates', '2');
    await page.click('button[type=submit]');

    await page.waitForSelector('.result');
    expect(await page.textContent('h1')).toBe('Drawn by a net, from what moves');
    expect(await page.textContent('.details')).toMatch(/Made by.*regnet.*version 3/);
    expect(await page.textContent('.details')).not.toMatch(/Recordings|What it saw/);
    expect(await page.textContent('.notice-warning')).toContain('hardly what');
    expect(await page.locator('.cue-timeline, .editor').count()).toBe(0);
    expect(await page.locator('input[name=candidate]').count()).toBe(2);
    expect(await page.textContent('.history-list')).toContain('drawn by a net');
    await page.click('[aria-label=Play]');
    await page.waitForFunction(() => document.querySelector('video')!.currentTime > 0.3);
    await page.click('[aria-label=Pause]');
    await opened.shoot('net-2-result');
    expect(await opened.seriousViolations()).toEqual([]);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await opened.fits()).toBe(true);
    await opened.shoot('net-3-narrow');
    expect(opened.complaints).toEqual([]);
  }, 60_000);
});

/// <reference lib="dom" />
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { longTest } from '@soundstage/core/contract-tests';
import type { JobJson } from '../api-types.js';
import { startGateway, type Gateway } from '../server.js';
import { hasChromium, launchChromium, openWindow, type Window } from '../testing/chromium.js';
import { startFakeInference } from '../testing/fake-inference.js';
import { postForm, readJob, untilEnded } from '../testing/http.js';
import { drawClip, startInference, type TestInference } from '../testing/inference.js';
import { loudnessAt, soundOf } from '../testing/listen.js';
import { runFfmpeg } from '../testing/run-ffmpeg.js';

interface WrittenHit {
  id: string;
  time_s: number;
  class: string;
  sound?: string;
  strength: number;
  muted: boolean;
}
interface WrittenSheet {
  hits: WrittenHit[];
  layers: { id: string; class: string; gain_db: number; muted: boolean; envelope: [number, number][] }[];
}

/** Faster, for work on the page alone: `SOUNDSTAGE_FAKE_INFERENCE=1`. */
const start = process.env.SOUNDSTAGE_FAKE_INFERENCE ? startFakeInference : startInference;
const inChromium = hasChromium() ? describe : describe.skip;

let inference: TestInference;
let gateway: Gateway;
let browser: Browser;
let opened: Window;
let page: Page;
let job: JobJson;
let several: JobJson;

const filmed = async (fields: Record<string, string>, path: string, type = 'video/mp4') => {
  const file = { content: new Uint8Array(readFileSync(path)), name: path.split('/').at(-1)!, type };
  const posted = await readJob(await postForm(gateway.url, { kind: 'foley', ...fields }, file));
  const ended = (await untilEnded(gateway.url, posted.id)).at(-1)!;
  expect(ended.error).toBeUndefined();
  return ended;
};
const sheetOf = async (of: JobJson, number = 1) =>
  (await (await fetch(`${gateway.url}/v1/jobs/${of.id}/candidates/${number}/cues`)).json()) as WrittenSheet;

/** Opens a job's result with nothing edited yet, in a window of its own. */
async function open(of: JobJson, options: Parameters<typeof openWindow>[2] = {}): Promise<void> {
  opened = await openWindow(browser, gateway.url, { viewport: { width: 1280, height: 1500 }, ...options });
  ({ page } = opened);
  await page.goto(`${gateway.url}/#/jobs/${of.id}`);
  await page.waitForSelector('.cue-timeline');
  await page.waitForFunction(() => document.querySelector('.cue-wave .timeline-canvas')?.firstElementChild);
}

/** What the page says comes a moment after what was done. */
async function untilSays(selector: string, words: string | RegExp): Promise<void> {
  const seen = page.locator(selector).filter({ hasText: words });
  await seen.waitFor({ state: 'attached' }).catch(async () => {
    expect(await page.textContent(selector)).toMatch(words);
  });
}
const untilSaid = (words: string | RegExp) => untilSays('[data-said]', words);
const untilState = (words: string) => untilSays('.editor-state', words);
/** The sheet as it stands in the page, by the button that saves it. */
async function saved(): Promise<WrittenSheet> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.click('[aria-label="Save the cue sheet as JSON"]'),
  ]);
  return JSON.parse(readFileSync(await download.path(), 'utf8')) as WrittenSheet;
}
const hitOf = (sheet: WrittenSheet, id: string) => sheet.hits.find((hit) => hit.id === id)!;
const figures = () =>
  page.$eval('.editor', ({ dataset }) => ({
    started: Number(dataset.started),
    single: Number(dataset.single),
    peak: Number(dataset.peak),
  }));
const middleOf = async (selector: string) => {
  const box = (await page.locator(selector).boundingBox())!;
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
};

inChromium('The cue editor', () => {
  beforeAll(async () => {
    inference = await start();
    gateway = await startGateway({ inferenceAddress: inference.address, port: 0 });
    const clip = drawClip(inference.folder, { name: 'hammer.mp4', seconds: 4 });
    job = await filmed({ sound: 'wood' }, clip);
    several = await filmed({ sound: 'wood', candidates: '3', seed: '5' }, clip);
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

  test('moves a hit and changes its strength with the mouse, each drag one step of undo', async () => {
    await open(job);
    const before = await sheetOf(job);
    const hit = before.hits[1]!;
    const view = (await page.locator('.cue-view').boundingBox())!;
    const from = await middleOf(`[data-id=${hit.id}]`);
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(from.x + 20, from.y + 2, { steps: 4 });
    await page.mouse.move(from.x + 64, from.y + 3, { steps: 6 });
    await page.mouse.up();
    const moved = hitOf(await saved(), hit.id).time_s - hit.time_s;
    expect(moved).toBeCloseTo((60 * 4) / view.width, 1);
    expect(moved).toBeGreaterThan(0.1);
    await untilState('Edited, playing a preview');
    await untilSaid(`${(hit.time_s + moved).toFixed(3)} s`);

    const at = await middleOf(`[data-id=${hit.id}]`);
    await page.mouse.move(at.x, at.y);
    await page.mouse.down();
    await page.mouse.move(at.x + 1, at.y + 30, { steps: 6 });
    await page.mouse.up();
    const softer = hitOf(await saved(), hit.id);
    expect(softer.strength).toBeLessThan(hit.strength - 0.3);
    expect(softer.time_s).toBeCloseTo(hit.time_s + moved, 3);

    await page.keyboard.press('Control+z');
    expect(hitOf(await saved(), hit.id).strength).toBeCloseTo(hit.strength, 4);
    await page.keyboard.press('Control+z');
    expect(hitOf(await saved(), hit.id).time_s).toBeCloseTo(hit.time_s, 4);
    await untilState('As rendered');
    await page.keyboard.press('Control+Shift+z');
    expect(hitOf(await saved(), hit.id).time_s).toBeCloseTo(hit.time_s + moved, 3);
  }, 60_000);

  test('does all of it by keyboard, and says what it did', async () => {
    await open(job);
    const { hits } = await sheetOf(job);
    await opened.tabTo('.hit');
    await page.keyboard.press('ArrowRight');
    await untilSaid(new RegExp(`^Hit 2 of ${hits.length}, wood, ${hits[1]!.time_s.toFixed(3)} s, strength`));
    const id = hits[1]!.id;
    const wanted = { time_s: hits[1]!.time_s + 0.04 + 0.001, strength: Math.min(1, hits[1]!.strength - 0.05 - 0.01) };
    for (const key of ['Alt+ArrowRight', 'Shift+Alt+ArrowRight', 'ArrowDown', 'Shift+ArrowDown'])
      await page.keyboard.press(key);
    let now = hitOf(await saved(), id);
    expect(now.time_s).toBeCloseTo(wanted.time_s, 3);
    expect(now.strength).toBeCloseTo(wanted.strength, 3);
    await page.focus(`[data-id=${id}]`);
    await page.keyboard.press('Comma');
    await page.keyboard.press('m');
    now = hitOf(await saved(), id);
    expect([now.time_s, now.muted]).toEqual([expect.closeTo(wanted.time_s - 0.04, 3), true]);
    await untilSaid('muted');

    await page.focus(`[data-id=${id}]`);
    await page.keyboard.press('a');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-selected'))).toBe('true');
    const added = (await saved()).hits;
    expect(added).toHaveLength(hits.length + 1);
    await page.focus('.hit[tabindex="0"]');
    await page.keyboard.press('Delete');
    expect((await saved()).hits).toHaveLength(hits.length);

    await page.focus('.hit[tabindex="0"]');
    await page.keyboard.press('Home');
    await page.keyboard.press('Shift+ArrowRight');
    await untilSaid('2 hits selected');
    await page.keyboard.press('Alt+ArrowRight');
    const group = (await saved()).hits;
    expect(group[0]!.time_s).toBeCloseTo(hits[0]!.time_s + 0.04, 3);
    await page.focus('.hit[tabindex="0"]');
    await page.keyboard.press('c');
    const alike = group.filter((hit) => hit.class === 'wood').length;
    await untilSaid(`${alike} hits selected`);
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    expect(await page.textContent('.editor-help')).toContain('Move by a frame');
    expect(await opened.seriousViolations()).toEqual([]);
    await opened.shoot('7-editor-keys');
    await page.keyboard.press('Escape');
    expect(await page.$('.editor-help')).toBeNull();
  }, 60_000);

  test('zooms around the playhead by buttons, keys and wheel, and keeps the keyboard’s hit in view', async () => {
    await open(job);
    const width = () => page.$eval('.cue-content', (content) => content.getBoundingClientRect().width);
    const [fit] = [await width()];
    await page.click('[aria-label="Zoom in"]');
    expect((await width()) / fit).toBeCloseTo(1.6, 1);
    await page.focus('.hit[tabindex="0"]');
    for (let i = 0; i < 4; i++) await page.keyboard.press('+');
    const near = await width();
    expect(near / fit).toBeGreaterThan(8);
    const inView = () =>
      page.evaluate(() => {
        const view = document.querySelector('.cue-view')!.getBoundingClientRect();
        const hit = document.activeElement!.getBoundingClientRect();
        return hit.left >= view.left - 13 && hit.right <= view.right + 13;
      });
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.querySelector('.cue-view')!.scrollLeft > 4000);
    expect(await inView()).toBe(true);
    await opened.shoot('8-editor-zoomed', false);
    await page.keyboard.press('Home');
    await page.waitForFunction(() => document.querySelector('.cue-view')!.scrollLeft < 400);
    await page.mouse.move(...(Object.values(await middleOf('.cue-view')) as [number, number]));
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, 400);
    await page.keyboard.up('Control');
    await page.waitForFunction((was) => document.querySelector('.cue-content')!.clientWidth < was, near - 10);
    await page.keyboard.press('0');
    expect(await width()).toBeCloseTo(fit, 0);
  }, 60_000);

  test('finds a sound by search, gives it to the hit, and plays it at once', async () => {
    await open(job);
    const { hits } = await sheetOf(job);
    await page.click(`[data-id=${hits[0]!.id}]`);
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('combobox');
    const before = (await figures()).single;
    await page.keyboard.type('metal');
    await page.waitForSelector('.combobox-option');
    expect(await opened.seriousViolations()).toEqual([]);
    await opened.shoot('9-editor-sounds', false);
    await page.keyboard.press('Enter');
    await page.waitForFunction(
      (was) => Number((document.querySelector('.editor') as HTMLElement).dataset.single) > was,
      before,
    );
    const { class: chosen, sound } = (await saved()).hits[0]!;
    expect([chosen, sound]).toEqual([expect.stringContaining('metal'), undefined]);
    const recording = page.locator('.sound-picker select');
    const names = await recording.locator('option').allTextContents();
    await recording.selectOption({ index: 1 });
    expect((await saved()).hits[0]!.sound).toBe(names[1]);
    await page.waitForFunction(() => Number((document.querySelector('.editor') as HTMLElement).dataset.peak) > 0.01);
    expect(await page.getAttribute(`[data-id=${hits[0]!.id}]`, 'aria-label')).toContain('metal');
  }, 60_000);

  test('adds a layer, draws its envelope, mutes it and hears it alone', async () => {
    await open(job);
    const before = (await sheetOf(job)).layers.length;
    await page.click('text=Add a layer');
    const added = (await saved()).layers.at(-1)!;
    expect((await saved()).layers).toHaveLength(before + 1);
    const lane = page.locator('.layer-lane.cue-lane').nth(before);
    const box = (await lane.boundingBox())!;
    await page.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 2);
    let { envelope } = (await saved()).layers.at(-1)!;
    expect(envelope).toHaveLength(3);
    expect(envelope[1]![0]).toBeCloseTo(2, 0);
    expect(envelope[1]![1]).toBeCloseTo(0.5, 0);
    await lane.locator('[data-point="1"]').focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Alt+ArrowRight');
    const raised = (await saved()).layers.at(-1)!.envelope[1]!;
    expect(raised[1]).toBeCloseTo(envelope[1]![1] + 0.05, 3);
    expect(raised[0]).toBeCloseTo(envelope[1]![0] + 0.04, 3);
    await untilSaid(/^Point 2 of 3/);
    const point = await middleOf(`.layer-lane.cue-lane >> nth=${before} >> [data-point="1"]`);
    await page.mouse.move(point.x, point.y);
    await page.mouse.down();
    await page.mouse.move(point.x + 50, point.y - 12, { steps: 6 });
    await page.mouse.up();
    ({ envelope } = (await saved()).layers.at(-1)!);
    expect(envelope[1]![0]).toBeGreaterThan(raised[0] + 0.05);
    expect(envelope[1]![1]).toBeGreaterThan(raised[1] + 0.05);
    await lane.locator('[data-point="1"]').focus();
    await page.keyboard.press('Delete');
    expect((await saved()).layers.at(-1)!.envelope).toHaveLength(2);
    await page.locator('.slider-field input').first().focus();
    await page.keyboard.press('ArrowLeft');
    expect((await saved()).layers.at(-1)!.gain_db).toBe(added.gain_db - 0.5);
    await page.locator(`[aria-label="Mute ${added.class}"]`).last().click();
    expect((await saved()).layers.at(-1)!.muted).toBe(true);
    await page.click('[aria-label="Hear wood alone"]');
    await untilSaid('wood alone');
    await opened.shoot('10-editor-layer');
  }, 60_000);

  test('is heard at once: the rendered sound is silent, and what plays is the edited sheet', async () => {
    await open(job);
    const muted = () => page.$eval('.screen video', (video) => (video as HTMLVideoElement).muted);
    expect(await muted()).toBe(false);
    await page.click('.hit >> nth=0');
    const { single } = await figures();
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(
      (was) => Number((document.querySelector('.editor') as HTMLElement).dataset.single) > was,
      single,
    );
    await untilState('Edited, playing a preview');
    expect(await muted()).toBe(true);
    await page.focus('.hit[tabindex="0"]');
    await page.keyboard.press('Home');
    await page.focus('.timeline-range');
    await page.keyboard.press('Home');
    await page.click('.transport-play');
    const { hits } = await sheetOf(job);
    const count = hits.length;
    await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('.screen video')!.ended, {
      timeout: 15_000,
    });
    const heard = await figures();
    // Each hit is a source of its own; the first may be over before its sound has come.
    expect(heard.started).toBeGreaterThanOrEqual(count - 1);
    expect(heard.peak).toBeGreaterThan(0.02);
    await page.focus('.hit[tabindex="0"]');
    await page.keyboard.press('Control+z');
    await page.waitForFunction(() => !document.querySelector<HTMLVideoElement>('.screen video')!.muted);
    await untilState('As rendered');
  }, 60_000);

  test('is rendered again: the new sheet, and a sound that has moved', async () => {
    await open(job);
    const { hits } = await sheetOf(job);
    const hit = hits[2]!;
    await page.click(`[data-id=${hit.id}]`);
    await page.fill('.time-field input', (hit.time_s + 0.3).toFixed(3));
    await page.keyboard.press('Enter');
    const first = page.url();
    await page.click('text=Render again');
    await page.waitForURL((url) => url.toString() !== first);
    await page.waitForSelector('.badge:has-text("Edited")', { timeout: 60_000 });
    await page.waitForFunction(() => document.querySelector('[aria-current=page]')?.textContent?.includes('edited'));
    const id = page.url().split('/').at(-1)!;
    const made = await readJob(await fetch(`${gateway.url}/v1/jobs/${id}`));
    expect(hitOf(await sheetOf(made), hit.id).time_s).toBeCloseTo(hit.time_s + 0.3, 3);
    expect((await sheetOf(made)).hits).toHaveLength(hits.length);
    const sounds = await Promise.all(
      [job, made].map(async (of, i) => {
        const path = join(inference.folder, `heard-${i}.mp4`);
        const video = await fetch(`${gateway.url}${of.links.result}`);
        writeFileSync(path, new Uint8Array(await video.arrayBuffer()));
        return soundOf(path);
      }),
    );
    const [before, after] = sounds as [Float32Array, Float32Array];
    expect(loudnessAt(after, hit.time_s)).toBeLessThan(0.5 * loudnessAt(before, hit.time_s));
    expect(loudnessAt(after, hit.time_s + 0.3)).toBeGreaterThan(2 * loudnessAt(before, hit.time_s + 0.3));
  }, 120_000);

  test('keeps edits over a reload, and asks before they are left', async () => {
    await open(job);
    await page.click('.hit >> nth=1');
    await page.keyboard.press('Alt+ArrowRight');
    const edited = await saved();
    const asked = new Promise<string>((resolve) => {
      page.once('dialog', (dialog) => {
        resolve(dialog.type());
        void dialog.accept();
      });
    });
    await page.reload();
    expect(await asked).toBe('beforeunload');
    await page.waitForSelector('.cue-timeline');
    await untilState('Edited, playing a preview');
    expect((await saved()).hits).toEqual(edited.hits);
    await page.focus('.hit[tabindex="0"]');
    await page.keyboard.press('Control+z');
    await untilState('As rendered');
    await page.waitForFunction(() => Object.keys(localStorage).length === 0);
  }, 60_000);

  test('says which line of a sheet from a file is wrong, and takes it when it is mended', async () => {
    await open(job);
    const text = await (await fetch(`${gateway.url}/v1/jobs/${job.id}/candidates/1/cues`)).text();
    const { hits } = await sheetOf(job);
    const wrong = text.replace(/"time_s":\s*[\d.]+(?=[^\n]*\n[^\n]*"time_s")/, '"time_s":99');
    const line = wrong.split('\n').findIndex((each) => each.includes('99')) + 1;
    const path = join(inference.folder, 'edited.json');
    writeFileSync(path, wrong);
    await page.setInputFiles('.sheet-file', path);
    await page.waitForSelector('.editor-problem');
    expect(await page.textContent('.editor-problem')).toContain(`Line ${line}`);
    await untilState('As rendered');
    await opened.shoot('11-editor-wrong-sheet');
    expect(await opened.seriousViolations()).toEqual([]);

    const mended = text.replace(/"strength":\s*[\d.]+/, '"strength":0.123');
    const drop = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], 'mended.json', { type: 'application/json' }));
      return transfer;
    }, mended);
    await page.dispatchEvent('.cue-timeline', 'drop', { dataTransfer: drop });
    await page.waitForFunction(() => document.querySelector('.editor-problem') === null);
    expect((await saved()).hits[0]!.strength).toBe(0.123);
    await untilSaid('mended.json');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('[aria-label="Save the cue sheet as VTT"]'),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toContain(hits[0]!.id);
  }, 60_000);

  longTest(
    'switches between candidates at the same moment, each with edits of its own',
    async () => {
      await open(several);
      expect(await page.locator('.candidate').count()).toBe(3);
      await page.click('.transport-play');
      await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('.screen video')!.currentTime > 0.8);
      await page.keyboard.press('3');
      await page.waitForFunction(() => {
        const [one, , three] = document.querySelectorAll<HTMLVideoElement>('.screen-stack video');
        return one!.paused && !three!.paused;
      });
      const times = await page.$$eval('.screen-stack video', (videos) =>
        (videos as HTMLVideoElement[]).map((video) => [video.currentTime, video.muted]),
      );
      expect(Math.abs(Number(times[0]![0]) - Number(times[2]![0]))).toBeLessThan(0.5);
      expect([times[0]![1], times[2]![1]]).toEqual([true, false]);
      expect(await page.textContent('.screen figcaption')).toContain('Candidate 3 of 3');
      await page.click('.transport-play');
      await page.click('.hit >> nth=0');
      await page.keyboard.press('ArrowDown');
      await untilState('Edited');
      await page.keyboard.press('1');
      await page.waitForFunction(() => document.querySelector('.editor-state')?.textContent === 'As rendered');
      await page.keyboard.press('3');
      await page.waitForFunction(() => document.querySelector('.editor-state')?.textContent?.startsWith('Edited'));
      await opened.shoot('12-candidates');
      expect(await opened.seriousViolations()).toEqual([]);
      const first = page.url();
      await page.selectOption('#more-count', '2');
      await page.click('text=Make them');
      await page.waitForURL((url) => url.toString() !== first);
      await page.waitForSelector('.cue-timeline', { timeout: 60_000 });
      expect(await page.locator('.candidate-take').allTextContents()).toEqual(['Take 8', 'Take 9']);
    },
    120_000,
  );

  longTest(
    'shows a cue sheet that was made without a video, and renders it',
    async () => {
      const again = { kind: 'foley', sourceJob: job.id, sound: 'wood', onlyCues: true };
      const posted = await fetch(`${gateway.url}/v1/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(again),
      });
      const planned = (await untilEnded(gateway.url, (await readJob(posted)).id)).at(-1)!;
      opened = await openWindow(browser, gateway.url);
      ({ page } = opened);
      await page.goto(`${gateway.url}/#/jobs/${planned.id}`);
      await page.waitForSelector('.cue-timeline');
      await untilState('Not rendered yet');
      expect(await page.locator('.ears span').allTextContents()).toEqual(['Your edit', 'Original']);
      await page.click('.editor-render');
      await page.waitForFunction(() => document.querySelector('.editor-state')?.textContent === 'As rendered', {
        timeout: 60_000,
      });
      expect(await page.locator('.ears span').allTextContents()).toEqual(['Rendered', 'Your edit', 'Original']);
    },
    90_000,
  );

  longTest(
    'gives a still image an ambience, as long as was asked for, and says so',
    async () => {
      const image = join(inference.folder, 'lake.png');
      await runFfmpeg(['-f', 'lavfi', '-i', 'mandelbrot=s=640x360:maxiter=60', '-frames:v', '1', image]);
      opened = await openWindow(browser, gateway.url);
      ({ page } = opened);
      await page.setInputFiles('#video-file', image);
      await page.fill('#still-duration', '3');
      await page.check('.mute input[type=checkbox] >> nth=0');
      await page.check('.quality input >> nth=1');
      await opened.shoot('13-still-chosen');
      expect(await opened.seriousViolations()).toEqual([]);
      await page.click('button[type=submit]');
      await page.waitForSelector('.cue-timeline', { timeout: 60_000 });
      expect(await page.textContent('.notice-warning')).toMatch(/ambience/i);
      expect(await page.textContent('h1')).toBe('No single moments, a steady sound');
      expect(await page.textContent('.result-lede')).toContain('3.0 s of sound');
      const made = await readJob(await fetch(`${gateway.url}/v1/jobs/${page.url().split('/').at(-1)}`));
      expect(made.request).toMatchObject({ mute: ['music'], quality: 'draft', stillDurationS: 3 });
      await page.waitForTimeout(500);
      await opened.shoot('14-still-result');
    },
    60_000,
  );

  test.each([
    ['light', 1280, 1],
    ['light', 360, 2],
    ['dark', 640, 2],
  ] as const)(
    'has no serious accessibility violation and fits: %s, %i pixels wide, scale %i',
    async (colorScheme, width, deviceScaleFactor) => {
      await open(several, {
        colorScheme,
        viewport: { width, height: 800 },
        deviceScaleFactor,
        reducedMotion: 'reduce',
      });
      await page.click('.hit >> nth=0');
      await page.keyboard.press('ArrowDown');
      expect(await opened.seriousViolations()).toEqual([]);
      expect(await opened.fits()).toBe(true);
      await opened.shoot(`editor-${colorScheme}-${width}`);
    },
    60_000,
  );
});

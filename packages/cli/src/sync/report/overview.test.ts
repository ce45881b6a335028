/// <reference lib="dom" />
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { BatchEntry, BatchState } from '../../batch/entry.js';
import { testFolder } from '../../testing/run-cli.js';
import { writeWhole } from '../../write-whole.js';
import type { FilmView } from '../batch/film-view.js';
import { overviewPage } from './overview.js';

const CHROMIUM = process.env.SOUNDSTAGE_CHROMIUM ?? '/usr/bin/chromium';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const present = existsSync(CHROMIUM);
if (!present) console.warn(`skipped: the tests of the overview of sync, since there is no Chromium at ${CHROMIUM}`);
const inChromium = present ? describe : describe.skip;

const HOSTILE = '"><img src=x onerror="document.title=1">#.mp4';
const folder = testFolder();
let browser: Browser;

function film(offsetsMs: number[], more: Partial<FilmView> = {}): FilmView {
  const segments = offsetsMs.map((offsetMs, i) => {
    return { startS: 5 * i, endS: 5 * i + 5, offsetMs, driftPpm: 0, confidence: 0.9, speechS: 4 };
  });
  const verdict = offsetsMs.length > 1 ? 'piecewise' : Math.abs(offsetsMs[0]!) < 40 ? 'in_sync' : 'offset';
  const before = { verdict, detail: 'So it is.', offsetMs: offsetsMs[0]!, confidence: 0.9, segments } as const;
  const common = { durationS: 10, repaired: false, whatWasDone: 'Nothing.', warnings: [], tookS: 2 };
  return { ...common, before, curve: [0, 10, 100, 20], report: 'a.html', ...more };
}

beforeAll(async () => {
  if (!present) return;
  const entry = (name: string, state: BatchState, clip?: FilmView, reason?: string): BatchEntry<FilmView> => {
    const input = { path: folder.path(name), name, kind: 'video', bytes: 1, modifiedMs: 0 } as const;
    return { input, state, reason, tookS: 0.2, clip };
  };
  const unknown = film([0]);
  const { offsetMs: _, ...nothing } = unknown.before;
  const untold = { ...nothing, verdict: 'cannot_tell', reason: 'no_face', confidence: 0, segments: [] } as const;
  const entries = [
    entry('a.mp4', 'done', film([10])),
    entry('b.mp4', 'done', film([300], { repaired: true, output: 'b.mp4', after: film([3]).before })),
    entry('c.mp4', 'skipped', film([200, -300], { warnings: ['it is dark'] }), 'there already'),
    entry(HOSTILE, 'done', { ...unknown, before: untold }),
    entry('e.mp4', 'refused', undefined, '“e.mp4” is empty (0 bytes).'),
  ];
  const content = { outputFolder: folder.root, entries, total: 6, whole: async (each: BatchEntry<FilmView>) => each };
  await writeWhole(folder.path('report.html'), overviewPage(content));
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  folder.remove();
});

async function open(options: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(pathToFileURL(folder.path('report.html')).href);
  return { page, complaints };
}

inChromium('The overview of a batch of films', () => {
  test('shows first what needs a look, and finds, chooses and sorts', async () => {
    const { page, complaints } = await open();
    const names = () =>
      page.$$eval('.card:not([hidden])', (cards) => cards.map((card) => (card as HTMLElement).dataset.name));
    expect(await names()).toEqual(['e.mp4', 'c.mp4', HOSTILE, 'b.mp4', 'a.mp4']);
    await page.selectOption('#sort', 'offset');
    expect((await names()).slice(0, 2)).toEqual(['b.mp4', 'c.mp4']);
    await page.selectOption('#show', 'left');
    expect(await names()).toEqual(['c.mp4']);
    await page.fill('#find', 'nothing like it');
    await page.click('#all');
    expect(await names()).toHaveLength(5);
    expect(await page.textContent('.top')).toContain('1 more left');
    expect(await page.title()).toBe('Sync report: 5 films');
    expect(complaints).toEqual([]);
    await page.close();
  }, 60_000);

  test.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)(
    'has no accessibility violation and fits: %s, %i pixels wide',
    async (colorScheme, width) => {
      const { page } = await open({ colorScheme, viewport: { width, height: 900 } });
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      const session = await page.context().newCDPSession(page);
      await session.send('Runtime.evaluate', { expression: AXE });
      const { result } = await session.send('Runtime.evaluate', {
        expression:
          "axe.run(document).then(({ violations }) => violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).join(', ')).join('\\n'))",
        awaitPromise: true,
      });
      expect(result.value).toBe('');
      await page.close();
    },
    60_000,
  );
});

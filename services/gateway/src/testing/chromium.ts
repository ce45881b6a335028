/// <reference lib="dom" />
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const CHROMIUM = process.env.SOUNDSTAGE_CHROMIUM ?? '/usr/bin/chromium';
const ARTEFACTS = fileURLToPath(new URL('../../../../artefacts/page/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Whether there is a browser to test with; says so where there is none. */
export function hasChromium(): boolean {
  const present = existsSync(CHROMIUM);
  if (!present) console.warn(`skipped: the tests of the page, since there is no Chromium at ${CHROMIUM}`);
  return present;
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** One browser window on the page of a gateway. */
export interface Window {
  context: BrowserContext;
  page: Page;
  /** What the browser complained about, and requests to elsewhere; empty it of what is expected. */
  complaints: string[];
  /** Violations of WCAG 2.2 A and AA that are serious or critical. */
  seriousViolations(): Promise<string[]>;
  /** Nothing is wider than the window. */
  fits(): Promise<boolean>;
  shoot(name: string, fullPage?: boolean): Promise<void>;
  /** Goes on with Tab until an element has the focus. */
  tabTo(selector: string): Promise<void>;
}

export async function openWindow(
  browser: Browser,
  url: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Window> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const window: Window = {
    context,
    page,
    complaints: [],
    async seriousViolations() {
      const before = window.complaints;
      window.complaints = [];
      // axe runs where the page's policy lets no script in.
      const session = await context.newCDPSession(page);
      await session.send('Runtime.evaluate', { expression: AXE });
      const { result } = await session.send('Runtime.evaluate', {
        expression:
          "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => JSON.stringify(violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).join(', '))))",
        awaitPromise: true,
      });
      await session.detach();
      window.complaints = before; // axe itself tries an inline style, which the page's policy refuses
      return JSON.parse(String(result.value)) as string[];
    },
    fits: () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
    async shoot(name, fullPage = true) {
      mkdirSync(ARTEFACTS, { recursive: true });
      await page.screenshot({ path: join(ARTEFACTS, `${name}.png`), fullPage });
    },
    async tabTo(selector) {
      for (let i = 0; i < 80; i++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)) return;
      }
      throw new Error(`Tab never reaches ${selector}`);
    },
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') window.complaints.push(message.text());
  });
  page.on('pageerror', (error) => window.complaints.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== url) window.complaints.push(`request to ${origin}`);
  });
  await page.goto(url);
  return window;
}

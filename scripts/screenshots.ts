import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import {
  type BrowserStage,
  settled,
  signIn,
  startBrowserStage,
} from '../control-plane/test/browser/support/browser-stage';
import { findChromium } from '../control-plane/test/browser/support/find-chromium';
import { type ShownPage, shownPages } from '../control-plane/test/browser/support/pages';
import { fillDashboard } from '../demo/fill-dashboard';

/**
 * Photographs every page of the dashboard, light and dark, wide and narrow, into docs/screenshots. The pictures are WebP,
 * which Chromium makes by itself, so that all of them together stay small.
 */
const target = join(__dirname, '../docs/screenshots');
const limitBytes = 6_000_000;
const quality = 72;

const widths = [
  { name: '1280', width: 1_280, height: 800 },
  { name: '400', width: 400, height: 800 },
] as const;

/** An hour of traffic, which nobody has the time to send: the sum of two waves, by ten seconds. */
const rememberTraffic = async ({ database }: BrowserStage): Promise<void> => {
  const bucketMs = 10_000;
  const last = Math.floor(Date.now() / bucketMs) * bucketMs;
  const buckets = Array.from({ length: 360 }, (_, index) => last - index * bucketMs);
  const events = buckets.map((at) =>
    Math.round(70 + 22 * Math.sin(at / 600_000) + 9 * Math.sin(at / 97_000) + ((at / bucketMs) % 5)),
  );
  await database.query(
    `INSERT INTO event_traffic (bucket, events) SELECT * FROM unnest($1::bigint[], $2::bigint[])
     ON CONFLICT (bucket) DO UPDATE SET events = excluded.events`,
    [database.arrays.bigint(buckets), database.arrays.bigint(events)],
  );
};

/** What a chart and a live view need to be drawn after their data are there. */
const drawn = async (page: Page): Promise<void> => {
  await settled(page);
  await page.waitForLoadState('networkidle', { timeout: 2_000 }).catch(() => undefined);
};

const photograph = async (page: Page, file: string): Promise<void> => {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality });
  writeFileSync(file, Buffer.from(data, 'base64'));
  await session.detach();
};

interface Shoot {
  browser: Browser;
  url: string;
  tokens: { api: string; portal: string };
}

const openSession = async (
  { browser, url, tokens }: Shoot,
  width: (typeof widths)[number],
  colorScheme: 'light' | 'dark',
  { isPortal, isOutside }: ShownPage,
): Promise<Page> => {
  const context = await browser.newContext({
    viewport: { width: width.width, height: width.height },
    colorScheme,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
  });
  const page = await context.newPage();
  await page.goto(url);
  if (!isOutside) await signIn(page, isPortal ? tokens.portal : tokens.api);
  return page;
};

const run = async (): Promise<void> => {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('there is no Chromium; install it or name it in CHROMIUM_PATH');
  const consumers = ['acme-inc', 'globex', 'initech', 'umbrella', 'hooli', 'stark'];
  const stage = await startBrowserStage(executablePath, consumers);
  try {
    stage.receiver.answer('/hook', (response) => response.writeHead(200).end('{"ok":true}'));
    const { token } = await fillDashboard({
      get: (path) => stage.json('GET', path),
      post: (path, body) => stage.json('POST', path, body),
      gatewayUrl: stage.gateway.adminUrl,
      webhookUrl: `${stage.receiver.url}/hook`,
      withConsumers: true,
      now: Date.now,
    });
    await rememberTraffic(stage);
    const shoot: Shoot = {
      browser: stage.browser,
      url: stage.app.url,
      tokens: { api: stage.app.token, portal: token },
    };
    const only = process.argv[2];
    if (!only) rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    for (const width of widths) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const sessions = new Map<string, Page>();
        for (const shown of shownPages.filter(({ name }) => !only || name === only)) {
          const kind = shown.isPortal ? 'portal' : shown.isOutside ? 'outside' : 'api';
          const page = sessions.get(kind) ?? (await openSession(shoot, width, colorScheme, shown));
          sessions.set(kind, page);
          await page.goto(`${stage.app.url}${shown.path}`);
          await drawn(page);
          await photograph(page, join(target, `${shown.name}-${colorScheme}-${width.name}.webp`));
        }
        for (const page of sessions.values()) await page.context().close();
      }
    }
  } finally {
    await stage.stop();
  }
  const files = readdirSync(target);
  const bytes = files.reduce((sum, file) => sum + statSync(join(target, file)).size, 0);
  process.stdout.write(
    `${files.length} pictures, ${(bytes / 1_000_000).toFixed(1)} MB, in docs/screenshots\n`,
  );
  if (bytes > limitBytes) throw new Error(`the pictures have ${bytes} bytes; ${limitBytes} are allowed`);
};

run().then(
  () => process.exit(0),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);

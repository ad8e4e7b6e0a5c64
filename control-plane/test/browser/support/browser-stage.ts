import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { StandInGateway } from '../../../../stand-in-gateway/src';
import { startAclGateway } from '../../support/kong-fixture';
import { requestJson } from '../../support/request-json';
import { type TestDatabase, testStorages } from '../../support/storages';
import { startTestApp, type TestApp } from '../../support/test-app';
import { startWebhookReceiver, type WebhookReceiver } from '../../support/webhook-receiver';

/** On a busy machine the browser shares its cores with everything else. */
export const patienceMs = 30_000;

const launchArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a folder of its own, which goes with it. */
export const launchBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, headless: true, args: launchArguments });

/** A control plane with its dashboard, a gateway, a receiver of webhooks, and a browser. */
export interface BrowserStage {
  app: TestApp;
  database: TestDatabase['database'];
  gateway: StandInGateway;
  receiver: WebhookReceiver;
  browser: Browser;
  json<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  /** Takes in events of one type and subject. */
  use(subject: string, events: readonly object[]): Promise<void>;
  /** A page in a session of its own, signed in unless told otherwise. What goes wrong in it fails `stop`. */
  open(path: string, options?: OpenOptions): Promise<Page>;
  stop(): Promise<void>;
}

export interface OpenOptions {
  /** Signed in with this one; with the stage's own unless told, null for not at all. */
  token?: string | null;
  context?: BrowserContextOptions;
}

export const startBrowserStage = async (
  executablePath: string,
  consumers: readonly string[],
): Promise<BrowserStage> => {
  const opened = await testStorages[0]!.open();
  const app = await startTestApp(opened.database, {
    configuration: { allowPrivateWebhookDestinations: true },
  });
  const gateway = await startAclGateway('postgres', consumers);
  const receiver = await startWebhookReceiver();
  const browser = await launchBrowser(executablePath);
  const mistakes: string[] = [];

  const open = async (path: string, { token = app.token, context = {} }: OpenOptions = {}): Promise<Page> => {
    const session = await browser.newContext({
      viewport: { width: 1_280, height: 900 },
      timezoneId: 'Europe/Berlin',
      locale: 'en-GB',
      ...context,
    });
    const page = await session.newPage();
    page.setDefaultTimeout(patienceMs);
    page.on('pageerror', (error) => mistakes.push(`${page.url()}: ${error.message}`));
    page.on('console', (message) => {
      const text = message.text();
      // The refusals that a test provokes are answers, not mistakes of the page.
      if (message.type() === 'error' && !/Failed to load resource/.test(text))
        mistakes.push(`${page.url()}: ${text}`);
    });
    await page.goto(`${app.url}${path}`);
    if (token !== null) await signIn(page, token);
    return page;
  };

  return {
    app,
    database: opened.database,
    gateway,
    receiver,
    browser,
    json: (method, path, body) => requestJson(app, method, path, body),
    use: async (subject, events) => {
      const response = await app.request('POST', '/api/v1/events', events, {
        'content-type': 'application/cloudevents-batch+json',
      });
      if (!response.ok) throw new Error(`events of ${subject}: ${response.status} ${await response.text()}`);
    },
    open,
    stop: async () => {
      await browser.close();
      await app.stop();
      await gateway.close();
      await receiver.close();
      await opened.drop();
      if (mistakes.length > 0) throw new Error(`what pages said went wrong:\n${mistakes.join('\n')}`);
    },
  };
};

export const signIn = async (page: Page, token: string): Promise<void> => {
  await page.getByLabel('API token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('API token').waitFor({ state: 'detached' });
};

/** Waits until nothing on the page is on its way any more. */
export const settled = async (page: Page): Promise<void> => {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.waitForFunction(`!document.querySelector('main')?.textContent?.includes('Loading …')`);
};

import type { Page } from 'playwright-core';
import { entitleCustomers } from '../support/entitled-customer';
import { type BrowserStage, launchBrowser, settled, startBrowserStage } from './support/browser-stage';
import { describeInBrowser } from './support/find-chromium';

jest.setTimeout(280_000);

describeInBrowser('the dashboard with 10,000 customers and 100 meters', (chromium) => {
  let stage: BrowserStage;

  beforeAll(async () => {
    stage = await startBrowserStage(chromium, []);
    const subjects = Array.from(
      { length: 10_000 },
      (_, index) => `customer-${String(index).padStart(5, '0')}`,
    );
    for (let start = 0; start < subjects.length; start += 2_500) {
      await entitleCustomers({
        database: stage.database,
        from: Date.now() - 86_400_000,
        subjects: subjects.slice(start, start + 2_500),
        allowance: '1000',
      });
    }
    await stage.database.query('UPDATE entitlement_standing SET usage = 400');
    for (let index = 0; index < 99; index += 1) {
      await stage.json('POST', '/api/v1/meters', {
        slug: `meter_${String(index).padStart(2, '0')}`,
        name: `A meter with a rather long name, number ${index}`,
        eventType: 'kong.api_request',
        aggregation: 'COUNT',
      });
    }
  });
  afterAll(async () => {
    await stage?.stop();
  });

  const rows = (page: Page): Promise<number> => page.locator('main tbody tr').count();

  it('shows its lists page by page, and finds one among all', async () => {
    const page = await stage.open('/customers');
    await page.getByText('of 10,000 customers').waitFor();
    expect(await rows(page)).toBeLessThanOrEqual(100);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.waitForURL(/page=2/);
    await page.getByRole('searchbox').fill('customer-09876');
    await page.getByRole('link', { name: 'customer-09876' }).first().waitFor();
    await page.waitForFunction('document.querySelectorAll("main tbody tr").length === 1');

    await page.goto(`${stage.app.url}/meters`);
    await settled(page);
    expect(await rows(page)).toBeGreaterThan(0);
    expect(await rows(page)).toBeLessThanOrEqual(100);
    const width = (await page.evaluate('document.documentElement.scrollWidth')) as number;
    expect(width).toBeLessThanOrEqual(1_280);

    await page.goto(`${stage.app.url}/`);
    await page
      .getByText(/of 10,000/)
      .first()
      .waitFor();
    await page.goto(`${stage.app.url}/access`);
    await settled(page);
  });

  it('loads less than 250 kB at first', async () => {
    const browser = await launchBrowser(chromium);
    try {
      const page = await browser.newPage();
      const startedAt = performance.now();
      await page.goto(stage.app.url);
      await page.getByLabel('API token').click();
      const interactiveMs = performance.now() - startedAt;
      const bytes = (await page.evaluate(
        `performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
           .reduce((sum, entry) => sum + entry.encodedBodySize, 0)`,
      )) as number;
      process.stdout.write(
        `first load: ${(bytes / 1_000).toFixed(1)} kB compressed, interactive after ${interactiveMs.toFixed(0)} ms\n`,
      );
      expect(bytes).toBeGreaterThan(10_000);
      expect(bytes).toBeLessThan(250_000);
    } finally {
      await browser.close();
    }
  });
});

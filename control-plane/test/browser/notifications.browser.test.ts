import { cloudEvent } from '../support/cloud-events';
import { waitUntil } from '../support/wait-until';
import { type BrowserStage, startBrowserStage } from './support/browser-stage';
import { describeInBrowser } from './support/find-chromium';

jest.setTimeout(240_000);

describeInBrowser('notifications in the dashboard', (chromium) => {
  let stage: BrowserStage;

  beforeAll(async () => {
    stage = await startBrowserStage(chromium, ['acme']);
    await stage.json('POST', '/api/v1/meters', {
      slug: 'requests',
      eventType: 'kong.api_request',
      aggregation: 'COUNT',
    });
    await stage.json('POST', '/api/v1/features', {
      key: 'requests',
      name: 'Requests',
      meterSlug: 'requests',
    });
    await stage.json('POST', '/api/v1/subjects/acme/entitlements', {
      type: 'metered',
      featureKey: 'requests',
      issueAfterReset: 10,
      usagePeriod: { interval: 'MONTH' },
    });
  });
  afterAll(async () => {
    await stage?.stop();
  });

  it('are set up, tested, caused and delivered', async () => {
    const { receiver } = stage;
    const page = await stage.open('/notifications/channels');
    await page.getByRole('link', { name: 'New channel' }).first().click();
    await page.getByLabel('Name', { exact: true }).fill('operations');
    await page.getByLabel('Address').fill(`${receiver.url}/hook`);
    await page.getByRole('button', { name: 'Create channel' }).click();
    // Shown once, and gone with the sheet.
    const secret = await page.getByTestId('secret').textContent();
    expect(secret).toMatch(/^whsec_/);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByRole('link', { name: 'operations' }).waitFor();
    expect(await page.content()).not.toContain(secret!);

    await page.getByRole('link', { name: 'Rules' }).click();
    await page.getByRole('link', { name: 'New rule' }).first().click();
    await page.getByLabel('Name', { exact: true }).fill('allowance used');
    await page.getByLabel('operations').check();
    await page.getByRole('button', { name: 'Create rule' }).click();
    await page.getByRole('button', { name: 'Test allowance used' }).click();
    await page.getByRole('dialog').getByText('SUCCESS').first().waitFor();
    await waitUntil('the test arrived', () => receiver.on('/hook').length === 1);

    await stage.use(
      'acme',
      Array.from({ length: 8 }, () => cloudEvent({ subject: 'acme' })),
    );
    await page.goto(`${stage.app.url}/notifications`);
    await page.getByRole('link', { name: 'acme: 80 % used of requests' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByText('SUCCESS').first().waitFor();
    await sheet.getByText('"usage_percentage"').first().waitFor();
    await sheet.getByRole('button', { name: 'Resend to operations' }).click();
    await waitUntil('it was sent again', () => receiver.on('/hook').length === 3);
    const [, first, again] = receiver.on('/hook');
    expect(again!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
  });

  it('say in words what the server refuses, beside the field', async () => {
    const page = await stage.open('/notifications/channels/new');
    await page.getByLabel('Name', { exact: true }).fill('nowhere');
    await page.getByLabel('Address').fill('ftp://example.com/hook');
    await page.getByRole('button', { name: 'Create channel' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Address').getAttribute('aria-invalid')).toBe('true');
  });
});

import { cloudEvent } from '../support/cloud-events';
import { isLetIn } from '../support/kong-fixture';
import { waitUntil } from '../support/wait-until';
import { type BrowserStage, startBrowserStage } from './support/browser-stage';
import { describeInBrowser } from './support/find-chromium';

jest.setTimeout(240_000);

describeInBrowser('the access board', (chromium) => {
  let stage: BrowserStage;

  beforeAll(async () => {
    stage = await startBrowserStage(chromium, ['acme', 'globex']);
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
    for (const subject of ['acme', 'globex']) {
      await stage.json('POST', `/api/v1/subjects/${subject}/entitlements`, {
        type: 'metered',
        featureKey: 'requests',
        issueAfterReset: 10,
        usagePeriod: { interval: 'MONTH' },
      });
    }
  });
  afterAll(async () => {
    await stage?.stop();
  });

  const letIn = (name: string, expected: boolean) =>
    waitUntil(
      `${name} is let in: ${expected}`,
      async () => (await isLetIn(stage.gateway, name)) === expected,
    );

  it('shows a consumer being cut off as it happens, and its return after a grant', async () => {
    const page = await stage.open('/settings/gateways/new');
    await page.getByLabel('Key').fill('kong');
    await page.getByLabel('Addresses of the Admin API').fill(stage.gateway.adminUrl);
    await page.getByRole('button', { name: 'Create gateway' }).click();
    await page.getByRole('table', { name: 'gateways' }).getByText('healthy').waitFor();

    await page.getByRole('link', { name: 'Access', exact: true }).click();
    await page.getByRole('link', { name: 'Policies' }).click();
    await page.getByRole('link', { name: 'New policy' }).first().click();
    await page.getByLabel('Feature').fill('requests');
    await page.getByLabel('Groups to leave').fill('orders-access');
    await page.getByRole('button', { name: 'Create policy' }).click();
    await page.getByRole('table', { name: 'policies' }).getByText('orders-access').waitFor();

    await page.getByRole('link', { name: 'Board' }).click();
    const [outside, inside] = [
      page.getByRole('region', { name: 'Out', exact: true }),
      page.getByRole('region', { name: 'In', exact: true }),
    ];
    await inside.getByRole('link', { name: 'acme', exact: true }).waitFor();
    await page.getByText('live', { exact: true }).waitFor();

    await stage.use(
      'acme',
      Array.from({ length: 10 }, () => cloudEvent({ subject: 'acme' })),
    );
    await outside.getByRole('link', { name: 'acme', exact: true }).waitFor();
    await outside.getByText('Allowance used up').waitFor();
    await letIn('acme', false);
    await letIn('globex', true);

    const { items } = await stage.json<{ items: { id: string }[] }>(
      'GET',
      '/api/v2/entitlements?customerKeys=acme',
    );
    await stage.json('POST', `/api/v1/subjects/acme/entitlements/${items[0]!.id}/grants`, {
      amount: 100,
      effectiveAt: new Date().toISOString(),
      expiration: { duration: 'YEAR', count: 1 },
    });
    await inside.getByRole('link', { name: 'acme', exact: true }).waitFor();
    await letIn('acme', true);

    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText(/reached its limit of requests|reached 100 % of requests/).waitFor();
    await page.getByText(/was granted more of requests/).waitFor();
  });

  it('keeps a customer out by hand with a reason, and lets the entitlement decide again', async () => {
    const page = await stage.open('/access');
    const inside = page.getByRole('region', { name: 'In', exact: true });
    const outside = page.getByRole('region', { name: 'Out', exact: true });
    await page.getByRole('link', { name: 'Keep out globex' }).click();
    await page.getByLabel('Reason').fill('Invoice 17 is not paid');
    await page.getByRole('button', { name: 'Keep out' }).click();
    await outside.getByText('Held by hand: Invoice 17 is not paid').waitFor();
    await letIn('globex', false);
    await outside.getByRole('button', { name: 'End the hold' }).click();
    await inside.getByRole('link', { name: 'globex', exact: true }).waitFor();
    await letIn('globex', true);

    await page.getByRole('link', { name: 'Audit log' }).click();
    const log = page.getByRole('table', { name: 'entries' });
    await log.getByText('held by hand').first().waitFor();
    await page.getByLabel('Cause').selectOption('hold');
    await page.waitForURL(/cause=hold/);
    await waitUntil('only holds are listed', async () => (await log.locator('tbody tr').count()) === 1);
  });
});

import { cloudEvent } from '../support/cloud-events';
import { type BrowserStage, startBrowserStage } from './support/browser-stage';
import { describeInBrowser } from './support/find-chromium';

jest.setTimeout(240_000);

describeInBrowser('the per-seat guide in the dashboard', (chromium) => {
  let stage: BrowserStage;

  beforeAll(async () => {
    stage = await startBrowserStage(chromium, []);
  });
  afterAll(async () => {
    await stage?.stop();
  });

  it('leads from a meter to a preview of three seats by clicking alone', async () => {
    const page = await stage.open('/meters/new');
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('Slug').fill('active_users');
    await sheet.getByLabel('Event type').fill('user_activity');
    await sheet.getByLabel('Aggregation').selectOption('UNIQUE_COUNT');
    await sheet.getByLabel('Value property').fill('$.user_id');
    await page.getByRole('button', { name: 'Create meter' }).click();
    await page.getByRole('heading', { level: 1, name: 'active_users' }).waitFor();

    await page.getByRole('link', { name: 'Features', exact: true }).click();
    await page.getByRole('link', { name: 'New feature' }).first().click();
    await sheet.getByLabel('Key', { exact: true }).fill('active-users');
    await sheet.getByLabel('Meter').fill('active_users');
    await page.getByRole('button', { name: 'Create feature' }).click();
    await page.getByRole('link', { name: 'active-users' }).first().waitFor();

    await page.getByRole('link', { name: 'Plans', exact: true }).click();
    await page.getByRole('link', { name: 'New plan' }).first().click();
    await page.getByLabel('Plan key').fill('per-seat');
    await page.getByLabel('Plan name').fill('Per seat');
    const card = page.getByRole('group', { name: 'Rate card 1' });
    await card.getByLabel('Feature').fill('active-users');
    await card.getByLabel('Price per unit').fill('1');
    await card.getByLabel('Entitlement').selectOption('boolean');
    await page.getByRole('button', { name: 'Create draft' }).click();
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('customers can be subscribed to it').waitFor();

    await page.getByRole('link', { name: 'Customers', exact: true }).click();
    await page.getByRole('link', { name: 'New customer' }).first().click();
    await sheet.getByLabel('Key').fill('acme-inc');
    await sheet.getByLabel('Name', { exact: true }).fill('Acme Inc');
    await page.getByRole('button', { name: 'Create customer' }).click();
    await page.getByRole('heading', { level: 1, name: 'Acme Inc' }).waitFor();
    await page.getByRole('link', { name: 'Billing' }).click();
    await page.getByRole('link', { name: 'Subscribe to a plan' }).click();
    await sheet.getByLabel('Plan').fill('per-seat');
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click();
    await page.getByRole('table', { name: 'Subscriptions' }).getByText('active').waitFor();

    await stage.use(
      'acme-inc',
      ['alice', 'bob', 'carol', 'alice'].map((user) =>
        cloudEvent({ type: 'user_activity', subject: 'acme-inc', data: { user_id: user } }),
      ),
    );
    await page.getByRole('link', { name: 'Preview Invoice' }).first().click();
    await sheet.getByText('$3.00').first().waitFor();
    expect(await sheet.textContent()).toMatch(/\b3\b/);
    const { items } = await stage.json<{ items: { lines: { quantity: string }[] }[] }>(
      'GET',
      '/api/v1/billing/invoices?statuses=gathering&expand=lines',
    );
    expect(items[0]!.lines[0]!.quantity).toBe('3');
  });
});

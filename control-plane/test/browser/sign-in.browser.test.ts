import { cloudEvent } from '../support/cloud-events';
import { type BrowserStage, settled, signIn, startBrowserStage } from './support/browser-stage';
import { describeInBrowser } from './support/find-chromium';

jest.setTimeout(240_000);

describeInBrowser('signing in', (chromium) => {
  let stage: BrowserStage;

  beforeAll(async () => {
    stage = await startBrowserStage(chromium, []);
    await stage.json('POST', '/api/v1/meters', {
      slug: 'requests',
      name: 'Requests',
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
      await stage.use(
        subject,
        Array.from({ length: 4 }, () => cloudEvent({ subject })),
      );
    }
  });
  afterAll(async () => {
    await stage?.stop();
  });

  it('refuses a wrong token in words, keeps a right one out of every URL, and forgets it on signing out', async () => {
    const page = await stage.open('/', { token: null });
    const urls: string[] = [];
    page.on('request', (request) => urls.push(request.url()));
    await page.getByLabel('API token').fill('tg_wrong_token_0123456789');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('The token is unknown, expired or revoked').waitFor();
    await signIn(page, stage.app.token);
    await settled(page);
    expect(urls.filter((url) => url.includes(stage.app.token))).toEqual([]);
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(stage.app.token);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API token').waitFor();
    expect(await page.evaluate('JSON.stringify({ ...sessionStorage, ...localStorage })')).not.toContain(
      stage.app.token,
    );
  });

  it('says so when a token may not read', async () => {
    const { token } = await stage.json<{ token: string }>('POST', '/api/v1/tokens', {
      name: 'gateway',
      scopes: ['ingest'],
    });
    const page = await stage.open('/', { token: null });
    await page.getByLabel('API token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('This token lacks the scope "read"').waitFor();
  });

  it('ends the session when the token is revoked, and says why', async () => {
    const { id, token } = await stage.json<{ id: string; token: string }>('POST', '/api/v1/tokens', {
      name: 'reader',
      scopes: ['read'],
    });
    const page = await stage.open('/meters', { token });
    await settled(page);
    await stage.json('DELETE', `/api/v1/tokens/${id}`);
    await page.getByRole('link', { name: 'Access', exact: true }).click();
    await page.getByText('You were signed out').waitFor();
  });

  it('makes a token that is shown once, and revokes it', async () => {
    const page = await stage.open('/settings');
    await page.getByRole('link', { name: 'New token' }).first().click();
    await page.getByLabel('Name').fill('reports');
    await page.getByRole('button', { name: 'Create token' }).click();
    const secret = (await page.getByTestId('secret').textContent())!;
    expect(secret).toMatch(/^tg_/);
    const asked = await fetch(`${stage.app.url}/api/v1/meters`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    expect(asked.status).toBe(200);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    expect(await page.content()).not.toContain(secret);
    const row = page.getByRole('row', { name: /reports/ });
    await row.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('Revoked the token reports.').waitFor();
  });

  it('shows a customer its own usage, limits and invoices, and nothing else', async () => {
    const page = await stage.open('/settings/portal/new');
    await page.getByLabel('Subject').fill('acme');
    await page.getByRole('button', { name: 'Create portal token' }).click();
    const token = (await page.getByTestId('secret').textContent())!;

    const own = await stage.open('/', { token: null });
    const asked: string[] = [];
    own.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await signIn(own, token);
    await own.getByRole('heading', { name: 'acme' }).waitFor();
    await own.getByRole('meter', { name: 'Requests' }).waitFor();
    await own.getByText('6 left').waitFor();
    await own.getByText('There is no invoice yet.').waitFor();
    expect(await own.content()).not.toContain('globex');
    const api = asked.filter((path) => path.startsWith('/api/'));
    expect(api.length).toBeGreaterThan(2);
    expect(api.filter((path) => !path.startsWith('/api/v1/portal/'))).toEqual([]);
  });
});

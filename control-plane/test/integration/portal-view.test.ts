import { cloudEvent } from '../support/cloud-events';
import { ManualClock } from '../support/manual-clock';
import { requestJson } from '../support/request-json';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

jest.setTimeout(60_000);

interface Made {
  token: string;
}

describe("a customer's own view", () => {
  let opened: TestDatabase;
  let app: TestApp;
  const clock = new ManualClock('2026-03-10T12:00:00Z');

  const json = <T = unknown>(method: string, path: string, body?: unknown) =>
    requestJson<T>(app, method, path, body);
  const tokenFor = async (subject: string, allowedMeterSlugs?: string[]): Promise<string> =>
    (await json<Made>('POST', '/api/v1/portal/tokens', { subject, allowedMeterSlugs })).token;
  const get = (token: string, path: string) =>
    fetch(`${app.url}/api/v1/portal/${path}`, { headers: { authorization: `Bearer ${token}` } });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was answered
  const read = async (token: string, path: string): Promise<any> => {
    const response = await get(token, path);
    expect([path, response.status]).toEqual([path, 200]);
    return response.json();
  };
  const refusal = async (token: string, path: string): Promise<[number, string]> => {
    const response = await get(token, path);
    return [response.status, ((await response.json()) as { code: string }).code];
  };

  const invoiceIds: Record<string, string> = {};

  beforeAll(async () => {
    opened = await testStorages[0]!.open();
    app = await startTestApp(opened.database, { clock, configuration: { billingDraftPeriod: 'P30D' } });
    for (const slug of ['requests', 'tokens']) {
      await json('POST', '/api/v1/meters', { slug, eventType: slug, aggregation: 'COUNT' });
      await json('POST', '/api/v1/features', { key: slug, name: `All ${slug}`, meterSlug: slug });
    }
    for (const [key, subjectKeys] of [
      ['acme', ['acme-web', 'acme-app']],
      ['globex', []],
    ] as const) {
      await json('POST', '/api/v1/customers', { key, name: key, usageAttribution: { subjectKeys } });
      for (const featureKey of ['requests', 'tokens']) {
        await json('POST', `/api/v2/customers/${key}/entitlements`, {
          type: 'metered',
          featureKey,
          issueAfterReset: 10,
          usagePeriod: { interval: 'MONTH' },
        });
      }
      const customer = await json<{ id: string }>('GET', `/api/v1/customers/${key}`);
      const made = await json<{ invoice: { id: string } }>(
        'POST',
        `/api/v1/billing/customers/${customer.id}/invoices/pending-lines`,
        {
          currency: 'USD',
          lines: [
            {
              name: `Set-up of ${key}`,
              period: { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' },
              invoiceAt: '2026-04-01T00:00:00Z',
              rateCard: { price: { type: 'flat', amount: '25' } },
            },
          ],
        },
      );
      invoiceIds[key] = made.invoice.id;
    }
    clock.advance(60_000);
    for (const [subject, count] of [
      ['acme-web', 3],
      ['acme-app', 2],
      ['acme', 1],
      ['globex', 7],
    ] as const) {
      const time = new Date(clock.now()).toISOString();
      const events = Array.from({ length: count }, () => cloudEvent({ subject, type: 'requests', time }));
      await app.request('POST', '/api/v1/events', events, {
        'content-type': 'application/cloudevents-batch+json',
      });
    }
    clock.advance(60_000);
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  it("shows the customer's own limits and invoices, and nothing of another's", async () => {
    const token = await tokenFor('acme');
    expect(await read(token, 'self')).toEqual({
      subject: 'acme',
      expiresAt: expect.any(String),
      customer: { key: 'acme', name: 'acme' },
      seesLimits: true,
      seesInvoices: true,
      meters: [
        { slug: 'requests', name: 'requests', aggregation: 'COUNT' },
        { slug: 'tokens', name: 'tokens', aggregation: 'COUNT' },
      ],
    });
    const { items } = await read(token, 'limits');
    expect(items).toMatchObject([
      { feature: 'requests', name: 'All requests', usage: '6', allowance: '10', left: '4', hasAccess: true },
      { feature: 'tokens', usage: '0', allowance: '10', left: '10', meter: 'tokens' },
    ]);
    expect(items[0].period.from < items[0].period.to).toBe(true);
    const invoices = await read(token, 'invoices');
    expect(invoices).toMatchObject({
      totalCount: 1,
      items: [{ id: invoiceIds.acme, status: 'gathering', total: '25', lines: [{ name: 'Set-up of acme' }] }],
    });
    expect(await read(token, `invoices/${invoiceIds.acme}`)).toEqual(invoices.items[0]);
    expect(JSON.stringify([items, invoices])).not.toContain('globex');
  });

  it("does not know another customer's invoices, and reads only its own subject's usage", async () => {
    const token = await tokenFor('acme');
    expect(await refusal(token, `invoices/${invoiceIds.globex}`)).toEqual([404, 'invoice_not_found']);
    expect(await refusal(token, 'invoices/unknown')).toEqual([404, 'invoice_not_found']);
    for (const query of [
      '',
      '?subject=globex',
      '?filterCustomerId=globex',
      '?subject=acme-web&groupBy=subject',
    ]) {
      const { data } = await read(token, `meters/requests/query${query}`);
      expect(data).toMatchObject([{ value: 1, subject: 'acme' }]);
    }
  });

  it('shows a part of a customer its usage, but neither the limits nor the invoices of the whole', async () => {
    const token = await tokenFor('acme-web');
    expect(await read(token, 'self')).toMatchObject({ seesLimits: false, seesInvoices: false });
    expect((await read(token, 'meters/requests/query')).data).toMatchObject([{ value: 3 }]);
    for (const path of ['limits', 'invoices', `invoices/${invoiceIds.acme}`]) {
      expect(await refusal(token, path)).toEqual([403, 'portal_token_partial']);
    }
  });

  it('keeps a token for some meters to those', async () => {
    const token = await tokenFor('globex', ['tokens']);
    expect(await read(token, 'self')).toMatchObject({
      seesLimits: true,
      seesInvoices: false,
      meters: [{ slug: 'tokens' }],
    });
    expect((await read(token, 'limits')).items).toMatchObject([{ feature: 'tokens' }]);
    expect(await refusal(token, 'invoices')).toEqual([403, 'portal_token_restricted']);
    expect(await refusal(token, 'meters/requests/query')).toEqual([403, 'meter_not_allowed']);
  });

  it('tells a subject that belongs to nobody so', async () => {
    const token = await tokenFor('nobody');
    expect(await read(token, 'self')).toMatchObject({ customer: null, seesLimits: false });
    expect((await refusal(token, 'limits'))[0]).toBe(404);
  });

  it('lets a portal token in nowhere else, and an API token not in here', async () => {
    const token = await tokenFor('acme');
    for (const route of app.routes) {
      if (route.scope === 'portal' || route.scope === 'public') continue;
      const path = route.path.replaceAll(/\{\w+\}/g, 'acme');
      const response = await fetch(`${app.url}${path}`, {
        method: route.method.toUpperCase(),
        headers: { authorization: `Bearer ${token}` },
      });
      await response.arrayBuffer();
      // The webhook asks for a secret of its own.
      expect([route.path, [401, 403].includes(response.status)]).toEqual([route.path, true]);
    }
    for (const path of ['self', 'limits', 'invoices']) {
      expect((await refusal(app.token, path))[0]).toBe(401);
    }
  });

  it('does not show drafts, which can still change', async () => {
    const { id } = await json<{ id: string }>('GET', '/api/v1/customers/globex');
    await json('POST', `/api/v1/billing/customers/${id}/invoices/pending-lines`, {
      currency: 'USD',
      lines: [
        {
          name: 'Due already',
          period: { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' },
          invoiceAt: '2026-03-02T00:00:00Z',
          rateCard: { price: { type: 'flat', amount: '5' } },
        },
      ],
    });
    // The scheduler may have made the draft before it is asked for: the line was due when it came.
    const asked = await app.request('POST', '/api/v1/billing/invoices/invoice', { customerId: id });
    expect([201, 400]).toContain(asked.status);
    const drafts = await json<{ items: { id: string; status: string }[] }>(
      'GET',
      `/api/v1/billing/invoices?customers=${id}&statuses=draft`,
    );
    const [draft] = drafts.items;
    expect(draft!.status).toBe('draft');
    const token = await tokenFor('globex');
    const { items } = await read(token, 'invoices');
    expect(items.map((invoice: { id: string }) => invoice.id)).toEqual([invoiceIds.globex]);
    expect(await refusal(token, `invoices/${draft!.id}`)).toEqual([404, 'invoice_not_found']);
  });
});

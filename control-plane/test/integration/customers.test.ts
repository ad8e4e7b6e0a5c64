import { cloudEvent } from '../support/cloud-events';
import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { storeMeter } from '../support/stored-meter';
import { startTestApp, type TestApp } from '../support/test-app';

const start = Date.parse('2025-01-15T10:00:00Z');

describeOnEachStorage('customers', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const clock = new ManualClock(start);

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    await storeMeter(opened.database, { slug: 'calls' });
    await app.request('POST', '/api/v1/features', { key: 'calls', name: 'Calls', meterSlug: 'calls' });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const json = async (response: Response) =>
    (await response.json()) as Record<string, unknown> & { id: string };
  const create = async (key: string, subjectKeys: string[]) =>
    json(
      await app.request('POST', '/api/v1/customers', { key, name: key, usageAttribution: { subjectKeys } }),
    );
  const entitle = (key: string, amount: number) =>
    app.request('POST', `/api/v2/customers/${key}/entitlements`, {
      type: 'metered',
      featureKey: 'calls',
      usagePeriod: { interval: 'MONTH' },
      issue: { amount },
    });
  const use = (subject: string, count: number) =>
    app.request(
      'POST',
      '/api/v1/events',
      Array.from({ length: count }, () =>
        cloudEvent({ type: 'calls', subject, time: new Date(clock.now()).toISOString() }),
      ),
      { 'content-type': 'application/cloudevents-batch+json' },
    );
  const value = async (key: string) =>
    (await app.request('GET', `/api/v2/customers/${key}/entitlements/calls/value`)).json();

  it('use what all of their subjects use, and their key as well', async () => {
    await create('sum', ['sum-1', 'sum-2']);
    await entitle('sum', 10);
    await use('sum-1', 1);
    await use('sum-2', 2);
    await use('sum', 3);
    expect(await value('sum')).toMatchObject({ usage: 6, balance: 4 });
  });

  it('take over the usage of a subject they get, and lose that of one they give up', async () => {
    await create('moves', ['moves-1']);
    await entitle('moves', 10);
    await use('moves-1', 4);
    await use('moves-2', 6);
    const replace = (subjectKeys: string[]) =>
      app.request('PUT', '/api/v1/customers/moves', {
        key: 'moves',
        name: 'moves',
        usageAttribution: { subjectKeys },
      });
    expect((await replace(['moves-1', 'moves-2'])).status).toBe(200);
    expect(await value('moves')).toMatchObject({ usage: 10, hasAccess: false });
    expect((await replace(['moves-2'])).status).toBe(200);
    expect(await value('moves')).toMatchObject({ usage: 6, hasAccess: true });
    await use('moves-1', 1);
    expect(await value('moves')).toMatchObject({ usage: 6 });
  });

  it('lose access when they are deleted, and leave their key and subjects to others', async () => {
    const customer = await create('leaves', ['leaves-1']);
    const made = await json(await entitle('leaves', 10));
    expect((await app.request('DELETE', '/api/v1/customers/leaves')).status).toBe(204);
    const { rows } = await opened.database.query(
      'SELECT 1 FROM entitlement_standing WHERE customer_id = $1',
      [customer.id],
    );
    expect(rows).toEqual([]);
    expect(await json(await app.request('GET', `/api/v2/entitlements/${made.id}`))).toMatchObject({
      deletedAt: new Date(start).toISOString(),
    });
    const again = await create('leaves', ['leaves-1']);
    expect(again.id).not.toBe(customer.id);
    await use('leaves-1', 1);
    const list = await json(await app.request('GET', '/api/v1/customers?key=leaves&includeDeleted=true'));
    expect(list).toMatchObject({ totalCount: 2 });
  });

  it('are made by themselves for a subject that nobody has, once', async () => {
    const body = { type: 'boolean', featureKey: 'calls' };
    const answers = await Promise.all(
      [1, 2, 3].map(() => app.request('POST', '/api/v1/subjects/newcomer/entitlements', body)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const list = await json(await app.request('GET', '/api/v1/customers?subject=newcomer'));
    expect(list).toMatchObject({
      totalCount: 1,
      items: [{ key: 'newcomer', usageAttribution: { subjectKeys: ['newcomer'] } }],
    });
  });

  it('never share a subject, however many ask for it at once', async () => {
    const answers = await Promise.all(
      ['x', 'y', 'z'].map((name) =>
        app.request('POST', '/api/v1/customers', { name, usageAttribution: { subjectKeys: ['one', 'two'] } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });

  it('count every event that comes in while their entitlement is being made', async () => {
    await create('busy', ['busy-1']);
    const sending = Array.from({ length: 20 }, () => use('busy-1', 5));
    const made = await entitle('busy', 1_000);
    expect(made.status).toBe(201);
    await Promise.all(sending);
    expect(await value('busy')).toMatchObject({ usage: 100 });
  });

  it('are listed by page, or by limit and offset', async () => {
    const page = await json(await app.request('GET', '/api/v1/customers?page=2&pageSize=2&orderBy=name'));
    expect(page).toMatchObject({ page: 2, pageSize: 2 });
    expect(page.items).toHaveLength(2);
    const slice = await json(await app.request('GET', '/api/v1/customers?limit=2&offset=2&orderBy=name'));
    expect(slice).toMatchObject({ page: 0, pageSize: 0, items: page.items });
  });

  it('are found by a part of the key, the name, the address or a subject', async () => {
    const body = { name: 'Wile E. Coyote', key: 'acme-labs', primaryEmail: 'wile@desert.example' };
    await json(
      await app.request('POST', '/api/v1/customers', {
        ...body,
        usageAttribution: { subjectKeys: ['rocket-7'] },
      }),
    );
    for (const search of ['coyote', 'ACME-L', 'desert', 'cket-7']) {
      const list = await json(await app.request('GET', `/api/v1/customers?search=${search}&orderBy=key`));
      expect([search, list]).toMatchObject([search, { items: [{ key: 'acme-labs' }], totalCount: 1 }]);
    }
    const none = await json(await app.request('GET', '/api/v1/customers?search=roadrunner'));
    expect(none).toMatchObject({ items: [], totalCount: 0 });
  });
});

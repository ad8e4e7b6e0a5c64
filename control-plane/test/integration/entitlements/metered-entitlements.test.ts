import { cloudEvent } from '../../support/cloud-events';
import { ManualClock } from '../../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../../support/storages';
import { storeMeter } from '../../support/stored-meter';
import { startTestApp, type TestApp } from '../../support/test-app';

const start = Date.parse('2025-01-15T10:00:30.500Z');
const iso = (ms: number) => new Date(ms).toISOString();
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

describeOnEachStorage('metered entitlements', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const clock = new ManualClock(start);
  let subjects = 0;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    await storeMeter(opened.database, { slug: 'tokens', aggregation: 'SUM', groupBy: { model: '$.model' } });
    await app.request('POST', '/api/v1/features', { key: 'tokens', name: 'Tokens', meterSlug: 'tokens' });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });
  beforeEach(() => {
    clock.set(start);
    subjects += 1;
  });

  const subject = () => `subject-${subjects}`;
  const base = () => `/api/v1/subjects/${subject()}/entitlements`;

  const entitle = async (fields: Record<string, unknown> = {}) => {
    const response = await app.request('POST', base(), {
      type: 'metered',
      featureKey: 'tokens',
      usagePeriod: { interval: 'MONTH' },
      ...fields,
    });
    expect(response.status).toBe(201);
    return (await response.json()) as Record<string, unknown> & { id: string };
  };
  const use = async (value: number | string, at = clock.now(), more: Record<string, unknown> = {}) => {
    const event = cloudEvent({ type: 'tokens', subject: subject(), time: iso(at), data: { value }, ...more });
    const response = await app.request('POST', '/api/v1/events', event);
    expect(response.status).toBe(204);
  };
  const value = async (query = '') => {
    const response = await app.request('GET', `${base()}/tokens/value${query}`);
    expect(response.status).toBe(200);
    return response.json();
  };

  it('counts usage of the period against what is issued each period', async () => {
    const made = await entitle({ issueAfterReset: 100 });
    expect(made).toMatchObject({
      type: 'metered',
      subjectKey: subject(),
      featureKey: 'tokens',
      issueAfterReset: 100,
      isUnlimited: false,
      usagePeriod: { interval: 'MONTH', intervalISO: 'P1M', anchor: '2025-01-15T10:00:00.000Z' },
      currentUsagePeriod: { from: '2025-01-15T10:00:00.000Z', to: '2025-02-15T10:00:00.000Z' },
      measureUsageFrom: '2025-01-15T10:00:00.000Z',
    });
    await use(0.1);
    await use('0.2');
    expect(await value()).toEqual({
      hasAccess: true,
      balance: 99.7,
      usage: 0.3,
      overage: 0,
      totalAvailableGrantAmount: 100,
    });
  });

  it('ends access with the unit that uses the allowance up, and gives it back at the next period', async () => {
    await entitle({ issueAfterReset: 10 });
    await use(9.5);
    expect(await value()).toMatchObject({ hasAccess: true, balance: 0.5 });
    await use(2);
    expect(await value()).toMatchObject({ hasAccess: false, balance: 0, overage: 1.5 });
    clock.set('2025-02-15T10:00:00.000Z');
    expect(await value()).toMatchObject({ hasAccess: true, balance: 10, usage: 0, overage: 0 });
    clock.advance(-1);
    expect(await value(`?time=${iso(clock.now())}`)).toMatchObject({ hasAccess: false, usage: 11.5 });
  });

  it('gives access back when a correction takes usage below the allowance', async () => {
    await entitle({ issueAfterReset: 10 });
    await use(10);
    expect(await value()).toMatchObject({ hasAccess: false });
    await use(-1);
    expect(await value()).toMatchObject({ hasAccess: true, balance: 1, usage: 9 });
  });

  it('counts a late event in the period it belongs to', async () => {
    await entitle({ issueAfterReset: 10, usagePeriod: { interval: 'DAY' }, preserveOverageAtReset: true });
    await use(4);
    clock.advance(day);
    await use(1);
    expect(await value()).toMatchObject({ usage: 1, balance: 9 });
    await use(8, start + hour);
    // 12 of 10 were used on the first day; the overage of 2 is carried into the second.
    expect(await value()).toMatchObject({ usage: 1, balance: 7, hasAccess: true });
  });

  it('leaves an event out that is older than the measuring, and counts one that is a little ahead', async () => {
    await entitle({ issueAfterReset: 10 });
    await use(5, start - hour);
    await use(1, start + 5_000);
    expect(await value()).toMatchObject({ usage: 1 });
  });

  it('counts an event of a period that is yet to come when it has come', async () => {
    await entitle({ issueAfterReset: 10, usagePeriod: { interval: 'PT1H' } });
    await use(3, start + hour);
    expect(await value()).toMatchObject({ usage: 0 });
    clock.advance(hour);
    expect(await value()).toMatchObject({ usage: 3 });
  });

  it('keeps access beyond a soft limit', async () => {
    await entitle({ issueAfterReset: 1, isSoftLimit: true });
    await use(3);
    expect(await value()).toMatchObject({ hasAccess: true, balance: 0, overage: 2 });
  });

  it('begins anew at a reset by hand, with another anchor or the same', async () => {
    const made = await entitle({ issueAfterReset: 10 });
    await use(10);
    clock.advance(hour);
    const reset = await app.request('POST', `${base()}/${made.id}/reset`, { retainAnchor: true });
    expect(reset.status).toBe(204);
    expect(await value()).toMatchObject({ hasAccess: true, usage: 0, balance: 10 });
    const kept = await (await app.request('GET', `${base()}/${made.id}`)).json();
    expect(kept).toMatchObject({
      lastReset: iso(start + hour),
      currentUsagePeriod: { from: iso(start + hour), to: '2025-02-15T10:00:00.000Z' },
    });
    clock.advance(hour);
    await app.request('POST', `${base()}/${made.id}/reset`);
    const moved = await (await app.request('GET', `${base()}/${made.id}`)).json();
    expect(moved).toMatchObject({
      usagePeriod: { anchor: iso(start + 2 * hour) },
      currentUsagePeriod: { from: iso(start + 2 * hour), to: '2025-02-15T12:00:30.500Z' },
    });
  });

  it('carries overage over a reset that preserves it', async () => {
    const made = await entitle({ issueAfterReset: 10 });
    await use(13);
    clock.advance(hour);
    await app.request('POST', `${base()}/${made.id}/reset`, { preserveOverage: true });
    expect(await value()).toMatchObject({ usage: 0, balance: 7, hasAccess: true });
  });

  it('puts a new entitlement in the place of one that is overridden', async () => {
    const made = await entitle({ issueAfterReset: 10 });
    await use(10);
    clock.advance(hour);
    const response = await app.request('PUT', `${base()}/tokens/override`, {
      type: 'metered',
      featureKey: 'tokens',
      usagePeriod: { interval: 'MONTH' },
      issueAfterReset: 50,
    });
    expect(response.status).toBe(201);
    const next = (await response.json()) as { id: string };
    expect(next.id).not.toBe(made.id);
    expect(await value()).toMatchObject({ hasAccess: true, balance: 50, usage: 0 });
    const old = await app.request('GET', `/api/v1/entitlements/${made.id}`);
    expect(await old.json()).toMatchObject({ deletedAt: iso(clock.now()), activeTo: iso(clock.now()) });
  });

  it('ends with its deletion, and another can be made', async () => {
    const made = await entitle({ issueAfterReset: 10 });
    expect((await app.request('DELETE', `${base()}/${made.id}`)).status).toBe(204);
    expect((await app.request('GET', `${base()}/tokens/value`)).status).toBe(404);
    expect(await (await app.request('GET', base())).json()).toEqual([]);
    expect(await (await app.request('GET', `${base()}?includeDeleted=true`)).json()).toHaveLength(1);
    await entitle({ issueAfterReset: 3 });
    expect(await value()).toMatchObject({ balance: 3 });
  });

  it('refuses a second one for the same feature and names the first', async () => {
    const made = await entitle({ issueAfterReset: 10 });
    const response = await app.request('POST', base(), { type: 'boolean', featureKey: 'tokens' });
    expect(response.status).toBe(409);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({
      code: 'entitlement_exists',
      extensions: { conflictingEntityId: made.id },
    });
  });

  it('measures from the start of the current period when asked to', async () => {
    await use(7, Date.parse('2025-01-02T00:00:00Z'));
    await entitle({
      issueAfterReset: 10,
      usagePeriod: { interval: 'MONTH', anchor: '2024-01-01T00:00:00Z' },
      measureUsageFrom: 'CURRENT_PERIOD_START',
    });
    expect(await value()).toMatchObject({ usage: 7, balance: 3 });
  });
});

describeOnEachStorage('entitlements to levels and to distinct values', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const clock = new ManualClock(start);

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    for (const aggregation of ['LATEST', 'UNIQUE_COUNT'] as const) {
      const key = aggregation.toLowerCase();
      await storeMeter(opened.database, { slug: key, aggregation });
      await app.request('POST', '/api/v1/features', { key, name: key, meterSlug: key });
      await app.request('POST', '/api/v1/subjects/s/entitlements', {
        type: 'metered',
        featureKey: key,
        usagePeriod: { interval: 'DAY' },
        issueAfterReset: 3,
      });
    }
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const use = (type: string, ...values: unknown[]) =>
    app.request(
      'POST',
      '/api/v1/events',
      values.map((value) => cloudEvent({ type, subject: 's', time: iso(clock.now()), data: { value } })),
      { 'content-type': 'application/cloudevents-batch+json' },
    );
  const read = async (path: string) =>
    (await app.request('GET', `/api/v1/subjects/s/entitlements/${path}`)).json();

  it('take the last level, end access above the limit, and give it back below', async () => {
    await use('latest', 2, 5);
    expect(await read('latest/value')).toMatchObject({ usage: 5, overage: 2, hasAccess: false });
    clock.advance(hour);
    await use('latest', 1);
    expect(await read('latest/value')).toMatchObject({ usage: 1, balance: 2, overage: 0, hasAccess: true });
    clock.advance(hour);
    const [{ id }] = (await read('')) as [{ id: string }];
    const history = await read(`${id}/history?windowSize=HOUR&from=${iso(start)}`);
    expect(history).toMatchObject({
      windowedHistory: [{ usage: 5 }, { usage: 1, balanceAtStart: 3 }, { usage: 1 }],
      burndownHistory: [{ usage: 1, balanceAtEnd: 2, grantUsages: [{ usage: 1 }] }],
    });
  });

  it('count a value once a period', async () => {
    await use('unique_count', 'a', 'b', 'a');
    clock.advance(hour);
    await use('unique_count', 'b', 'c');
    expect(await read('unique_count/value')).toMatchObject({ usage: 3, balance: 0, hasAccess: false });
    clock.advance(day);
    expect(await read('unique_count/value')).toMatchObject({ usage: 0, hasAccess: true });
    await use('unique_count', 'a');
    expect(await read('unique_count/value')).toMatchObject({ usage: 1 });
  });
});

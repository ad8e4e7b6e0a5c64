import { ManualClock } from '../../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../../support/storages';
import { storeMeter } from '../../support/stored-meter';
import { startTestApp, type TestApp } from '../../support/test-app';

const start = Date.parse('2025-01-15T10:00:00Z');
const iso = (ms: number) => new Date(ms).toISOString();
const hour = 3_600_000;

describeOnEachStorage('bad input about entitlements', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const clock = new ManualClock(start);
  let grantId = '';
  let managedId = '';

  const json = async (response: Response) => (await response.json()) as Record<string, unknown>;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    await storeMeter(opened.database, { slug: 'calls', groupBy: { route: '$.route' } });
    await storeMeter(opened.database, { slug: 'mean', aggregation: 'AVG' });
    for (const key of ['calls', 'other', 'third']) {
      await app.request('POST', '/api/v1/features', { key, name: key, meterSlug: 'calls' });
    }
    await app.request('POST', '/api/v1/features', { key: 'unmetered', name: 'none' });
    await app.request('POST', '/api/v1/customers', {
      key: 'acme',
      name: 'Acme',
      usageAttribution: { subjectKeys: ['a1'] },
    });
    const metered = { type: 'metered', usagePeriod: { interval: 'DAY' } };
    await app.request('POST', '/api/v2/customers/acme/entitlements', { ...metered, featureKey: 'calls' });
    const managed = await app.request('POST', '/api/v2/customers/acme/entitlements', {
      ...metered,
      featureKey: 'third',
    });
    managedId = (await json(managed)).id as string;
    await opened.database.query(`UPDATE entitlement SET subscription_id = 'sub' WHERE id = $1`, [managedId]);
    await app.request('POST', '/api/v2/customers/acme/entitlements', {
      type: 'boolean',
      featureKey: 'unmetered',
    });
    const grant = await app.request('POST', '/api/v2/customers/acme/entitlements/calls/grants', {
      amount: 5,
      effectiveAt: iso(start),
    });
    grantId = (await json(grant)).id as string;
    clock.advance(hour);
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const base = '/api/v2/customers/acme/entitlements';
  const metered = { type: 'metered', featureKey: 'other', usagePeriod: { interval: 'DAY' } };
  const grant = { amount: 1, effectiveAt: iso(start + hour) };
  const v1Grants = '/api/v1/subjects/a1/entitlements/calls/grants';

  it.each<[string, string, string, unknown, number, string, string | undefined]>([
    [
      'an unknown feature',
      'POST',
      base,
      { ...metered, featureKey: 'nothing' },
      404,
      'feature_not_found',
      undefined,
    ],
    [
      'an unknown customer',
      'POST',
      '/api/v2/customers/nobody/entitlements',
      metered,
      404,
      'customer_not_found',
      undefined,
    ],
    ['no feature', 'POST', base, { type: 'boolean' }, 400, 'validation_failed', '$.featureKey'],
    [
      'a metered one on a feature without meter',
      'POST',
      base,
      { ...metered, featureKey: 'unmetered' },
      400,
      'invalid_entitlement',
      '$.featureKey',
    ],
    [
      'a malformed interval',
      'POST',
      base,
      { ...metered, usagePeriod: { interval: 'P1X' } },
      400,
      'invalid_entitlement',
      '$.usagePeriod.interval',
    ],
    [
      'an interval below an hour',
      'POST',
      base,
      { ...metered, usagePeriod: { interval: 'PT59M' } },
      400,
      'invalid_entitlement',
      '$.usagePeriod.interval',
    ],
    [
      'no usage period',
      'POST',
      base,
      { type: 'metered', featureKey: 'other' },
      400,
      'validation_failed',
      '$.usagePeriod',
    ],
    [
      'measuring since too many periods',
      'POST',
      base,
      { ...metered, usagePeriod: { interval: 'PT1H' }, measureUsageFrom: '2001-01-01T00:00:00Z' },
      400,
      'invalid_entitlement',
      '$.measureUsageFrom',
    ],
    [
      'a negative issue',
      'POST',
      base,
      { ...metered, issueAfterReset: -1 },
      400,
      'invalid_entitlement',
      '$.issueAfterReset',
    ],
    [
      'a static one whose config is no JSON',
      'POST',
      base,
      { type: 'static', featureKey: 'other', config: '{' },
      400,
      'invalid_entitlement',
      '$.config',
    ],
    [
      'an unknown type',
      'POST',
      base,
      { type: 'rubber', featureKey: 'other' },
      400,
      'validation_failed',
      '$.type',
    ],
    [
      'a grant of zero',
      'POST',
      `${base}/calls/grants`,
      { ...grant, amount: 0 },
      400,
      'invalid_grant',
      '$.amount',
    ],
    [
      'a grant that is negative',
      'POST',
      `${base}/calls/grants`,
      { ...grant, amount: -5 },
      400,
      'invalid_grant',
      '$.amount',
    ],
    [
      'a grant before the period',
      'POST',
      `${base}/calls/grants`,
      { ...grant, effectiveAt: iso(start - 1) },
      400,
      'invalid_grant',
      '$.effectiveAt',
    ],
    [
      'a grant at no time',
      'POST',
      `${base}/calls/grants`,
      { ...grant, effectiveAt: 'soon' },
      400,
      'validation_failed',
      '$.effectiveAt',
    ],
    [
      'a recurrence that is malformed',
      'POST',
      `${base}/calls/grants`,
      { ...grant, recurrence: { interval: 'P' } },
      400,
      'invalid_grant',
      '$.recurrence.interval',
    ],
    [
      'a rollover whose maximum is below its minimum',
      'POST',
      `${base}/calls/grants`,
      { ...grant, minRolloverAmount: 5, maxRolloverAmount: 1 },
      400,
      'invalid_grant',
      '$.maxRolloverAmount',
    ],
    [
      'an expiration of 1001 days',
      'POST',
      v1Grants,
      { ...grant, expiration: { duration: 'DAY', count: 1_001 } },
      400,
      'validation_failed',
      '$.expiration.count',
    ],
    ['a v1 grant without expiration', 'POST', v1Grants, grant, 400, 'validation_failed', '$.expiration'],
    ['a grant on a boolean one', 'POST', `${base}/unmetered/grants`, grant, 400, 'not_metered', undefined],
    [
      'a reset in the future',
      'POST',
      `${base}/calls/reset`,
      { effectiveAt: iso(start + hour + 1) },
      400,
      'invalid_reset',
      '$.effectiveAt',
    ],
    [
      'a reset before the period',
      'POST',
      `${base}/calls/reset`,
      { effectiveAt: iso(start - 1) },
      400,
      'invalid_reset',
      '$.effectiveAt',
    ],
    ['a reset of a boolean one', 'POST', `${base}/unmetered/reset`, {}, 400, 'not_metered', undefined],
    [
      'an override by another feature',
      'PUT',
      `${base}/calls/override`,
      metered,
      400,
      'invalid_entitlement',
      '$.featureKey',
    ],
    [
      'history of a boolean one',
      'GET',
      `${base}/unmetered/history?windowSize=DAY`,
      undefined,
      400,
      'not_metered',
      undefined,
    ],
    [
      'history in no time zone',
      'GET',
      `${base}/calls/history?windowSize=DAY&windowTimeZone=Mars`,
      undefined,
      400,
      'invalid_history',
      'windowTimeZone',
    ],
    [
      'history without a window size',
      'GET',
      `${base}/calls/history`,
      undefined,
      400,
      'validation_failed',
      'windowSize',
    ],
    [
      'history that ends before it begins',
      'GET',
      `${base}/calls/history?windowSize=DAY&from=2025-02-01T00:00:00Z&to=2025-01-01T00:00:00Z`,
      undefined,
      400,
      'invalid_history',
      'to',
    ],
    [
      'a value too far ahead',
      'GET',
      `${base}/calls/value?time=2030-01-01T00:00:00Z`,
      undefined,
      400,
      'invalid_time',
      'time',
    ],
    [
      'a value at no time',
      'GET',
      `${base}/calls/value?time=now`,
      undefined,
      400,
      'validation_failed',
      'time',
    ],
    [
      'the end of one that a subscription manages',
      'DELETE',
      `${base}/third`,
      undefined,
      403,
      'subscription_managed',
      undefined,
    ],
    ['page 0', 'GET', `${base}?page=0`, undefined, 400, 'validation_failed', 'page'],
    ['an unknown grant', 'DELETE', '/api/v1/grants/nothing', undefined, 404, 'grant_not_found', undefined],
    [
      'a feature of an unknown meter',
      'POST',
      '/api/v1/features',
      { key: 'f', name: 'f', meterSlug: 'nothing' },
      400,
      'invalid_feature',
      '$.meterSlug',
    ],
    [
      'a feature of a meter of averages',
      'POST',
      '/api/v1/features',
      { key: 'f', name: 'f', meterSlug: 'mean' },
      400,
      'invalid_feature',
      '$.meterSlug',
    ],
    [
      'a filter by an unknown group',
      'POST',
      '/api/v1/features',
      { key: 'f', name: 'f', meterSlug: 'calls', meterGroupByFilters: { colour: 'red' } },
      400,
      'invalid_feature',
      '$.advancedMeterGroupByFilters.colour',
    ],
    [
      'a feature key in capitals',
      'POST',
      '/api/v1/features',
      { key: 'F', name: 'f' },
      400,
      'validation_failed',
      '$.key',
    ],
    [
      'a second feature of a key',
      'POST',
      '/api/v1/features',
      { key: 'calls', name: 'f' },
      409,
      'feature_key_taken',
      undefined,
    ],
    [
      'a customer without a name',
      'POST',
      '/api/v1/customers',
      { key: 'x' },
      400,
      'validation_failed',
      '$.name',
    ],
    [
      'a second customer of a key',
      'POST',
      '/api/v1/customers',
      { key: 'acme', name: 'x' },
      409,
      'customer_key_taken',
      undefined,
    ],
    [
      'a subject of another customer',
      'POST',
      '/api/v1/customers',
      { name: 'x', usageAttribution: { subjectKeys: ['a1'] } },
      409,
      'subject_taken',
      undefined,
    ],
    ['a body that is a list', 'POST', '/api/v1/customers', [], 400, 'validation_failed', '$'],
  ])('refuses %s', async (_, method, path, body, status, code, field) => {
    const response = await app.request(method, path, body);
    const problem = await json(response);
    expect([response.status, problem.code]).toEqual([status, code]);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const { validationErrors } = (problem.extensions ?? {}) as {
      validationErrors?: { field: string; message: string }[];
    };
    if (field !== undefined) expect(validationErrors!.map((error) => error.field)).toContain(field);
  });

  it('refuses a void in the future, before the period, and a second one', async () => {
    const code = async (query: string) => {
      const response = await app.request('DELETE', `/api/v1/grants/${grantId}${query}`);
      if (response.status === 204) return 204;
      const { extensions } = (await response.json()) as {
        extensions: { validationErrors: { code: string }[] };
      };
      return extensions.validationErrors[0]!.code;
    };
    expect(await code(`?at=${iso(clock.now() + 1)}`)).toBe('in_the_future');
    expect(await code(`?at=${iso(start - 1)}`)).toBe('before_current_period');
    expect(await code('')).toBe(204);
    expect(await code('')).toBe('already_voided');
  });

  it('refuses a second reset at the same instant', async () => {
    expect((await app.request('POST', `${base}/calls/reset`, {})).status).toBe(204);
    const again = await app.request('POST', `${base}/calls/reset`, {});
    expect(await json(again)).toMatchObject({
      extensions: { validationErrors: [{ code: 'not_after_last_reset' }] },
    });
  });

  it('lets usage be granted and reset on an entitlement that a subscription manages', async () => {
    expect(
      (await app.request('POST', `${base}/third/grants`, { ...grant, effectiveAt: iso(clock.now()) })).status,
    ).toBe(201);
    expect((await app.request('POST', `${base}/third/reset`, {})).status).toBe(204);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ManualClock } from '../support/manual-clock';
import { requestJson } from '../support/request-json';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

type Json = Record<string, unknown>;

const runs = Number(process.env.MUTATION_RUNS ?? 6_000);
const seed = Number(process.env.MUTATION_SEED ?? Date.now() % 1_000_000);

const [recorded] = JSON.parse(
  readFileSync(join(__dirname, '../../../stand-in-gateway/test/fixtures/http-log-requests.json'), 'utf8'),
) as { body: Json[] }[];

const event = {
  specversion: '1.0',
  id: 'e',
  source: 's',
  type: 'kong.api_request',
  subject: 'acme',
  time: '2026-11-21T09:00:00Z',
  data: { n: 1, model: 'm' },
};
const plan = {
  key: 'pro',
  name: 'Pro',
  currency: 'USD',
  billing_cadence: 'P1M',
  phases: [
    {
      key: 'default',
      name: 'Default',
      rate_cards: [
        {
          key: 'requests',
          name: 'Requests',
          feature: { id: 'requests' },
          price: {
            type: 'graduated',
            tiers: [{ up_to_amount: '5', unit_price: { type: 'unit', amount: '1' } }, {}],
          },
          discounts: { percentage: 5, usage: '1' },
          entitlement: { type: 'metered', limit: 5, usage_period: 'P1M' },
        },
      ],
    },
  ],
};

/** A valid request of each interface; the mutations start from these. */
const seeds: { method: string; path: string; body: unknown }[] = [
  { method: 'POST', path: '/v3/openmeter/events', body: event },
  { method: 'POST', path: '/api/v3/openmeter/events', body: [event, { ...event, id: 'f' }] },
  {
    method: 'POST',
    path: '/v3/openmeter/meters',
    body: {
      key: 'k',
      name: 'K',
      aggregation: 'sum',
      event_type: 't',
      value_property: '$.n',
      dimensions: { m: '$.model' },
    },
  },
  {
    method: 'POST',
    path: '/v3/openmeter/meters/requests/query',
    body: {
      from: '2026-11-21T00:00:00Z',
      to: '2026-11-22T00:00:00Z',
      granularity: 'PT1H',
      time_zone: 'Europe/Berlin',
      group_by_dimensions: ['subject'],
      filters: { dimensions: { subject: { in: ['acme'] } } },
    },
  },
  {
    method: 'POST',
    path: '/v3/openmeter/features',
    body: { key: 'f', name: 'F', meter: { key: 'requests' }, unit_cost: { type: 'manual', amount: '1' } },
  },
  {
    method: 'POST',
    path: '/v3/openmeter/customers',
    body: {
      key: 'c',
      name: 'C',
      labels: { a: 'b' },
      usage_attribution: { subject_keys: ['c1'] },
      billing_address: { country: 'DE' },
    },
  },
  { method: 'POST', path: '/v3/openmeter/plans', body: plan },
  {
    method: 'POST',
    path: '/v3/openmeter/subscriptions',
    body: {
      customer: { key: 'acme' },
      plan: { key: 'pro', version: 1 },
      billing_anchor: '2026-11-01T00:00:00Z',
    },
  },
  {
    method: 'POST',
    path: '/v3/openmeter/entitlement-access/query',
    body: { customer: { keys: ['acme'] }, feature: { keys: ['requests'] } },
  },
  {
    method: 'POST',
    path: '/meter/v2/events',
    body: {
      transactionId: 't',
      payload: { calls: 1, region: 'eu' },
      sourceId: 's',
      subscriberCredential: 'acme',
      sourceType: 'KONG',
    },
  },
  {
    method: 'POST',
    path: '/meter/v2/apis/requests',
    body: { transactionId: 'p', credential: 'acme', method: 'GET', resource: '/', requestMessageSize: 1 },
  },
  {
    method: 'POST',
    path: '/meter/v2/apis/responses',
    body: { transactionId: 'p', responseCode: 200, totalDuration: 5 },
  },
  { method: 'POST', path: '/ingest/kong-http-log?counted_source=any', body: recorded!.body[0] },
  {
    method: 'POST',
    path: '/ingest/kong-http-log?source=x&consumer_field=custom_id',
    body: recorded!.body.slice(0, 2),
  },
];

const hostile: unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '#{x}',
  "'; DROP TABLE event; --",
  '../..',
  '💥',
  'x'.repeat(2_000),
  [],
  {},
  [[[[]]]],
  { __proto__: null, constructor: 1 },
  '2026-13-99T99:99:99Z',
  '-0',
  'NaN',
  '1e999',
  'P1M',
];

/** Every place in a JSON value, as the keys that lead there. */
const placesIn = (value: unknown, path: (string | number)[] = []): (string | number)[][] =>
  typeof value !== 'object' || value === null
    ? [path]
    : [
        path,
        ...Object.entries(value).flatMap(([key, part]) =>
          placesIn(part, [...path, Array.isArray(value) ? Number(key) : key]),
        ),
      ];

const changed = (
  value: unknown,
  path: readonly (string | number)[],
  change: (old: unknown) => unknown,
): unknown => {
  if (path.length === 0) return change(value);
  const [key, ...rest] = path as [string | number, ...(string | number)[]];
  if (Array.isArray(value))
    return value.map((part, index) => (index === key ? changed(part, rest, change) : part));
  return Object.fromEntries(
    Object.entries(value as Json).map(([name, part]) => [
      name,
      name === key ? changed(part, rest, change) : part,
    ]),
  );
};

const removed = Symbol('removed');
const withoutRemoved = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.filter((part) => part !== removed).map(withoutRemoved);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== removed)
      .map(([key, part]) => [key, withoutRemoved(part)]),
  );
};

interface Mutation {
  seed: number;
  place: number;
  kind: 'replace' | 'remove' | 'add' | 'cut' | 'append';
  value: number;
  count: number;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  seed: fc.nat(seeds.length - 1),
  place: fc.nat(1_000),
  kind: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'cut', 'append'),
  value: fc.nat(hostile.length - 1),
  count: fc.nat(1_000),
});

const bodyOf = ({ seed: index, place, kind, value, count }: Mutation): string => {
  const { body } = seeds[index]!;
  const places = placesIn(body);
  const path = places[place % places.length]!;
  const text = JSON.stringify(body);
  if (kind === 'cut') return text.slice(0, count % text.length);
  if (kind === 'append') return `${text}${text.slice(0, count % text.length)}`;
  const change = (old: unknown): unknown => {
    if (kind === 'remove') return removed;
    if (kind === 'replace') return hostile[value];
    if (Array.isArray(old)) return [...old, hostile[value]];
    return typeof old === 'object' && old !== null
      ? { ...old, [`k${count}`]: hostile[value] }
      : [old, hostile[value]];
  };
  const made = withoutRemoved(changed(body, path, change));
  return (made === removed ? '' : JSON.stringify(made)) ?? '';
};

const isOwnShape = (path: string, contentType: string | null, body: Json): boolean => {
  if (path.startsWith('/meter/'))
    return contentType === 'application/json' && body.path === path && typeof body.message === 'string';
  if (contentType !== 'application/problem+json' || typeof body.detail !== 'string') return false;
  return path.startsWith('/ingest/') || body.status !== 400 || Array.isArray(body.invalid_parameters);
};

describe('mutations of valid bodies', () => {
  let opened: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    opened = await testStorages.at(-1)!.open();
    app = await startTestApp(opened.database, { clock: new ManualClock('2026-11-21T12:00:00Z') });
    const create = (path: string, body: object) => requestJson(app, 'POST', path, body);
    await create('/v3/openmeter/meters', {
      key: 'requests',
      name: 'R',
      aggregation: 'count',
      event_type: 'kong.api_request',
    });
    await create('/v3/openmeter/meters', {
      key: 'control',
      name: 'C',
      aggregation: 'sum',
      event_type: 'control',
      value_property: '$.n',
    });
    await create('/v3/openmeter/features', { key: 'requests', name: 'R', meter: { key: 'requests' } });
    await create('/v3/openmeter/customers', { key: 'acme', name: 'Acme' });
  }, 120_000);
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  /** Events of a type, counted one by one. */
  const storedOf = async (type: string): Promise<number> => {
    const filter = encodeURIComponent(JSON.stringify({ type: { $eq: type } }));
    let count = 0;
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const next: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page: { items: unknown[]; nextCursor?: string } = await requestJson(
        app,
        'GET',
        `/api/v2/events?limit=100&filter=${filter}${next}`,
      );
      count += page.items.length;
      cursor = page.nextCursor;
    }
    return count;
  };

  it(`${runs} of them give no 5xx, refuse in the interface's own shape, and leave totals right (MUTATION_SEED=${seed})`, async () => {
    process.stdout.write(`mutations: seed ${seed}\n`);
    const statuses = new Map<number, number>();
    let controls = 0;
    const batch = 20;
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: batch, maxLength: batch }), async (mutations) => {
        await Promise.all(
          mutations.map(async (one) => {
            const { method, path } = seeds[one.seed]!;
            const body = bodyOf(one);
            const response = await app.request(method, path, body);
            const text = await response.text();
            statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
            if (response.status < 400) return;
            const isRight =
              response.status < 500 &&
              isOwnShape(path.split('?', 1)[0]!, response.headers.get('content-type'), JSON.parse(text));
            if (!isRight) throw new Error(`${method} ${path} ${body}\n${response.status} ${text}`);
          }),
        );
        // A good event beside the bad ones: whatever came before, it counts exactly once.
        controls += 1;
        const control = {
          ...event,
          id: `control-${controls}`,
          source: 'control',
          type: 'control',
          data: { n: controls },
        };
        for (let sent = 0; sent < 2; sent += 1)
          expect((await app.request('POST', '/v3/openmeter/events', control)).status).toBe(202);
      }),
      { seed, numRuns: runs / batch, endOnFailure: true },
    );
    process.stdout.write(
      `mutations: ${[...statuses]
        .sort()
        .map(([status, n]) => `${status}: ${n}`)
        .join(', ')}\n`,
    );
    expect([...statuses.values()].reduce((sum, n) => sum + n, 0)).toBe(runs);
    const totalOf = async (slug: string): Promise<string | undefined> =>
      (
        await requestJson<{ data: { value: string }[] }>(
          app,
          'POST',
          `/v3/openmeter/meters/${slug}/query`,
          {},
        )
      ).data[0]?.value;
    expect(await totalOf('control')).toBe(String((controls * (controls + 1)) / 2));
    // What was counted is what was stored: no event is half there.
    expect(await totalOf('requests')).toBe(String(await storedOf('kong.api_request')));
  }, 300_000);
});

import fc from 'fast-check';
import { describeOnEachStorage, type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
/** Requests over all storages together. */
const mutations = Number(process.env.STRIPE_MUTATIONS ?? 4_000);

const form = 'application/x-www-form-urlencoded';
const json = 'application/json';

interface Valid {
  path: string;
  type: string;
  body: string;
}

const eventForm = (identifier: string) =>
  `event_name=tokens&identifier=${identifier}&payload[stripe_customer_id]=cus_1&payload[value]=2`;
const eventJson = (identifier: string) => ({
  event_name: 'tokens',
  identifier,
  payload: { stripe_customer_id: 'cus_1', value: '2' },
});

/** Valid requests of every route that takes a body; a meter event has an identifier of its own each time. */
const validRequests = (meterId: string): ((nth: number) => Valid)[] => [
  (nth) => ({
    path: '/v1/billing/meters',
    type: form,
    body: `display_name=D&event_name=name_${nth}&default_aggregation[formula]=sum&customer_mapping[type]=by_id&customer_mapping[event_payload_key]=c&value_settings[event_payload_key]=v&event_time_window=day`,
  }),
  () => ({ path: `/v1/billing/meters/${meterId}`, type: form, body: 'display_name=Other+name' }),
  (nth) => ({ path: '/v1/billing/meter_events', type: form, body: `${eventForm(`f${nth}`)}&expand[]=x` }),
  (nth) => ({ path: '/v2/billing/meter_events', type: json, body: JSON.stringify(eventJson(`j${nth}`)) }),
  (nth) => ({
    path: '/v2/billing/meter_event_stream',
    type: json,
    body: JSON.stringify({ events: [eventJson(`s${nth}`), eventJson(`t${nth}`)] }),
  }),
  (nth) => ({
    path: '/v1/billing/meter_event_adjustments',
    type: form,
    body: `event_name=tokens&type=cancel&cancel[identifier]=f${nth - 1}`,
  }),
  (nth) => ({
    path: '/v2/billing/meter_event_adjustments',
    type: json,
    body: JSON.stringify({ event_name: 'tokens', type: 'cancel', cancel: { identifier: `j${nth - 1}` } }),
  }),
  () => ({ path: '/v2/billing/meter_event_session', type: json, body: '{}' }),
];

const awkward = fc.constantFrom(
  '',
  '0',
  '-1',
  'null',
  '1e999',
  '[]',
  '{}',
  '%',
  '%00',
  '%ff',
  '\u0000',
  '\ud800',
  '"',
  "'",
  '[',
  ']',
  '&',
  '=',
  '\u{1f4a9}',
  '9'.repeat(200),
  'x'.repeat(2_000),
  '__proto__',
  'constructor',
  '[a][b][c][d][e][f][g]=1',
  '\n',
  '\\',
);

/** What is done to a valid body: parts cut out, doubled, replaced, inserted. */
const mutation = fc.array(
  fc.record({
    kind: fc.constantFrom('insert' as const, 'cut' as const, 'double' as const, 'flip' as const),
    at: fc.nat(1_000),
    length: fc.integer({ min: 1, max: 40 }),
    text: awkward,
  }),
  { minLength: 1, maxLength: 3 },
);

const mutate = (
  body: string,
  steps: readonly { kind: string; at: number; length: number; text: string }[],
): string =>
  steps.reduce((text, { kind, at, length, text: inserted }) => {
    const from = at % (text.length + 1);
    const part = text.slice(from, from + length);
    if (kind === 'insert') return text.slice(0, from) + inserted + text.slice(from);
    if (kind === 'cut') return text.slice(0, from) + text.slice(from + length);
    if (kind === 'double') return text.slice(0, from) + part + text.slice(from);
    return text.slice(0, from) + inserted + text.slice(from + length);
  }, body);

describeOnEachStorage(`hostile Stripe requests (TEST_SEED=${seed})`, (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let meterId: string;
  let session: string;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    const meter = await send({
      path: '/v1/billing/meters',
      type: form,
      body: 'display_name=Tokens&event_name=tokens&default_aggregation[formula]=sum',
    });
    meterId = (JSON.parse(meter.text) as { id: string }).id;
    const made = await send({ path: '/v2/billing/meter_event_session', type: json, body: '{}' });
    session = (JSON.parse(made.text) as { authentication_token: string }).authentication_token;
  }, 60_000);
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const send = async ({ path, type, body }: Valid, headers: Record<string, string> = {}) => {
    const token = path.endsWith('_stream') ? session : app.token;
    const response = await fetch(`${app.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type, ...headers },
      body,
    });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };

  /** Status below 500, JSON, the request's id, and Stripe's error object where it is a refusal. */
  const assertStripes = (answer: Awaited<ReturnType<typeof send>>, what: string) => {
    expect([what, answer.status < 500]).toEqual([what, true]);
    expect([what, answer.headers.get('content-type')?.split(';')[0]]).toEqual([what, json]);
    expect(answer.headers.get('request-id')).toBeTruthy();
    if (answer.status < 400) return;
    const { error } = JSON.parse(answer.text) as { error: { type: string; message: string } };
    expect([what, typeof error.type, typeof error.message]).toEqual([what, 'string', 'string']);
  };

  it('are answered in the shape of Stripe: every route, every kind of malformed body', async () => {
    const bodies: [string, string][] = [
      [json, ''],
      [json, '{'],
      [json, '[]'],
      [json, 'null'],
      [json, '"x"'],
      [json, '{"unknown":1}'],
      [form, 'a[=1'],
      [form, 'a=1&a[b]=2'],
      [form, 'unknown=1'],
      [form, `${'a[]=1&'.repeat(400)}`],
      ['text/plain', 'x'],
      [json, `{"a":"${'x'.repeat(5 << 20)}"}`],
    ];
    for (const valid of validRequests(meterId)) {
      const { path } = valid(0);
      for (const [type, body] of bodies) {
        const answer = await send({ path, type, body });
        assertStripes(answer, `${path} ${type} ${body.slice(0, 40)}`);
      }
      const { status } = await send({ path, type: 'text/plain', body: 'x' });
      expect([path, status]).toEqual([path, path.endsWith('_session') ? expect.any(Number) : 400]);
    }
    for (const [method, path] of [
      ['GET', '/v1/billing/meters?limit=0'],
      ['GET', '/v1/billing/meters?limit=x'],
      ['GET', '/v1/billing/meters/none'],
      ['GET', `/v1/billing/meters/${meterId}/event_summaries`],
      ['GET', '/v1/customers'],
      ['DELETE', '/v2/billing/meter_events'],
      ['GET', `/v1/billing/meters/${meterId}/event_summaries?customer=a&start_time=-1&end_time=1e9`],
      ['GET', '/v2/core/events/none'],
      ['GET', '/v2/core/events?limit=1000'],
    ] as const) {
      const response = await app.request(method, path);
      const answer = { status: response.status, text: await response.text(), headers: response.headers };
      assertStripes(answer, `${method} ${path}`);
      expect([path, answer.status >= 400]).toEqual([path, true]);
    }
  }, 120_000);

  it('never fail, whatever is done to a valid body, and leave the total right', async () => {
    const kinds = validRequests(meterId);
    let nth = 0;
    const mutated = fc.record({ kind: fc.nat(kinds.length - 1), steps: mutation });
    await fc.assert(
      fc.asyncProperty(mutated, async ({ kind, steps }) => {
        nth += 1;
        const valid = kinds[kind]!(nth);
        const body = mutate(valid.body, steps);
        assertStripes(await send({ ...valid, body }), `${valid.path} ${body}`);
      }),
      { seed, numRuns: Math.ceil(mutations / testStorages.length), endOnFailure: true },
    );
    // The rollups hold what the stored events that were not canceled add up to, counted by the database alone.
    const { rows: weeks } = await opened.database.query<{ week: number }>('SELECT week FROM event_week');
    const stored = weeks.map(({ week }) => `SELECT * FROM event_${week}`).join(' UNION ALL ');
    const { rows } = await opened.database.query<{ expected: string; counted: string; events: number }>(
      `SELECT (SELECT coalesce(sum((e.data::jsonb ->> 'value')::numeric), 0) FROM (${stored}) e
          WHERE e.type = 'tokens' AND e.canceled_at IS NULL)::text AS expected,
        (SELECT coalesce(sum(r.sum), 0) FROM rollup r JOIN series s ON s.id = r.series_id JOIN meter m ON m.number = s.meter_number
          WHERE s.level = 0 AND m.id = $1)::text AS counted,
        (SELECT count(*) FROM (${stored}) e WHERE e.type = 'tokens') AS events`,
      [meterId],
    );
    expect(rows[0]!.events).toBeGreaterThan(0);
    expect(Number(rows[0]!.counted)).toBe(Number(rows[0]!.expected));
  }, 240_000);
});

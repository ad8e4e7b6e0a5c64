import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createExchanges } from '../../src/exchanges';
import { exchangeEventOf } from '../../src/http/revenium/usage-events';
import { systemClock } from '../../src/primitives/clock';
import { requestJson } from '../support/request-json';
import { runCommands } from '../support/run-commands';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const reference = readFileSync(join(__dirname, '../fixtures/revenium-reference.sh'), 'utf8');

interface Listed {
  event: { id: string; source: string; type: string; subject: string; data: Record<string, unknown> };
}
interface Meter {
  slug: string;
  name: string;
  groupBy: Record<string, string>;
  annotations?: object;
}

describeOnEachStorage("Revenium's metering API", (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  /** Another replica; the embedded database has one process only, so there it is the same app. */
  let other: TestApp;

  beforeAll(async () => {
    opened = await storage.open();
    const configuration = { reveniumElements: 12, reveniumDimensions: 3 };
    app = await startTestApp(opened.database, { configuration });
    other = storage.kind === 'postgres' ? await startTestApp(opened.database, { configuration }) : app;
  });
  afterAll(async () => {
    await app.stop();
    if (other !== app) await other.stop();
    await opened.drop();
  });

  const post = (path: string, body: unknown, to = app) => to.request('POST', `/meter/v2/${path}`, body);
  const meter = async (payload: object, more: object = {}, to = app) => {
    const response = await post('events', { payload, ...more }, to);
    const answer = (await response.json()) as Record<string, unknown>;
    if (response.status !== 201) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  const meters = () => requestJson<Meter[]>(app, 'GET', '/api/v1/meters');
  const usage = async (slug: string, query = '') => {
    const response = await app.request('GET', `/api/v1/meters/${slug}/query?${query}`);
    return [...(await response.text()).matchAll(/"value":([\d.]+)/g)].map(([, value]) => value);
  };
  const events = async (id: string) =>
    (await requestJson<Listed[]>(app, 'GET', '/api/v1/events?limit=100'))
      .map(({ event }) => event)
      .filter((event) => event.id === id);

  it('takes the requests of its reference as they are printed, but for host and token', async () => {
    const output = await runCommands(reference.replaceAll('https://api.revenium.ai', app.url), {
      REVENIUM_API_KEY: app.token,
    });
    const answers = output
      .split(/(?<=\})(?=\{)/)
      .map((text) => JSON.parse(text) as { id: string; resourceType: string });
    expect(answers.map(({ id }) => id)).toEqual(['txn-123', 'txn-456', 'txn-456']);
    expect(answers[0]).toEqual({
      id: 'txn-123',
      label: 'meter.event',
      resourceType: 'metering',
      object: 'metering',
      signature: expect.stringMatching(/^[0-9a-f]{64}$/),
      created: expect.any(String),
      updated: expect.any(String),
      _links: {},
    });
    expect(await usage('revenium_storage_gb', 'subject=acme-inc')).toEqual(['15.5']);
    expect(await usage('revenium_api_calls', 'groupBy=source_id')).toEqual(['1250']);
    expect(await usage('revenium_compute_minutes')).toEqual(['480']);
    expect(await events('txn-456')).toMatchObject([
      {
        type: 'revenium.api_request',
        source: 'revenium-apis',
        subject: 'acme-inc',
        data: {
          method: 'GET',
          sourceType: 'KONG',
          requestMessageSize: 109,
          responseCode: 200,
          responseContentType: 'application/json',
          backendLatency: 120.5,
        },
      },
    ]);
  });

  it('counts a transaction once, exactly, by dimensions that came later too', async () => {
    await meter({ tokens: 1, region: 'eu' }, { transactionId: 'a' });
    await meter({ tokens: 1, region: 'eu' }, { transactionId: 'a' });
    // Text, since a JSON number of JavaScript would lose the last digit.
    const big = await post('events', '{"transactionId":"b","payload":{"tokens":9007199254740993}}');
    expect(big.status).toBe(201);
    await meter(
      { tokens: 5, region: 'us', tier: 'gold', note: 'x', fourth: 'is over the limit' },
      { transactionId: 'c' },
    );
    await waitUntil('earlier events are counted by the new dimensions', async () =>
      (await meters()).every(({ annotations }) => annotations === undefined),
    );
    expect(await usage('revenium_tokens')).toEqual(['9007199254740999']);
    expect(await usage('revenium_tokens', 'filterGroupBy[region]=eu')).toEqual(['1']);
    expect(await usage('revenium_tokens', 'filterGroupBy[tier]=gold&filterGroupBy[region]=us')).toEqual([
      '5',
    ]);
    const [made] = (await meters()).filter(({ slug }) => slug === 'revenium_tokens');
    expect(Object.keys(made!.groupBy).sort()).toEqual(['note', 'region', 'source_id', 'source_type', 'tier']);
    expect((await events('c'))[0]!.subject).toBe('unknown');
  });

  it('makes one meter of a key that many requests to several replicas see first', async () => {
    const count = 40;
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        meter(
          { 'first seen': 1, [index % 2 === 0 ? 'cpuTime' : 'cpu_time']: 2 },
          { transactionId: `together-${index}` },
          index % 2 === 0 ? app : other,
        ),
      ),
    );
    const named = (await meters()).filter(({ name }) => name === 'first seen');
    expect(named).toHaveLength(1);
    expect(await usage(named[0]!.slug)).toEqual([String(count)]);
    // Two keys whose names come to the same slug have a meter each.
    for (const name of ['cpuTime', 'cpu_time']) {
      const own = (await meters()).filter((one) => one.name === name);
      expect(own).toHaveLength(1);
      expect(await usage(own[0]!.slug)).toEqual([String(count)]);
    }
  });

  it('refuses a key too many, and stores nothing of that event', async () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`key${index}`, 1]));
    const response = await post('events', { transactionId: 'many', payload: many });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'too_many_elements',
      errors: [{ field: expect.stringMatching(/^payload\./) }],
    });
    expect(await events('many')).toEqual([]);
    expect((await meters()).some(({ name }) => name === 'key0')).toBe(false);
  });

  it('does not make a meter again that was deleted, and goes on storing', async () => {
    await app.request('DELETE', '/api/v1/meters/revenium_compute_minutes');
    await meter({ computeMinutes: 1 }, { transactionId: 'deleted' });
    expect((await meters()).some(({ name }) => name === 'computeMinutes')).toBe(false);
    expect(await events('deleted')).toHaveLength(1);
  });

  it('joins a request and its response in either order, on any replica, into one event', async () => {
    const request = { credential: 'globex', method: 'POST', resource: '/x' };
    const response = { responseCode: 201, totalDuration: 5 };
    const pairs = Array.from({ length: 20 }, (_, index) => `pair-${index}`);
    await Promise.all(
      pairs.flatMap((transactionId, index) => [
        post('apis/requests', { transactionId, ...request }, index % 2 === 0 ? app : other),
        post('apis/responses', { transactionId, ...response }, index % 2 === 0 ? other : app),
      ]),
    );
    // Both halves again: the transaction is known already.
    await post('apis/responses', { transactionId: 'pair-0', ...response });
    await post('apis/requests', { transactionId: 'pair-0', ...request });
    const listed = await requestJson<Listed[]>(app, 'GET', '/api/v1/events?subject=globex&limit=100');
    expect(listed.map(({ event }) => event.id).sort()).toEqual(pairs.sort());
    const { rows } = await opened.database.query('SELECT * FROM exchange');
    expect(rows).toEqual([]);
  });

  it('finishes what a process left whole, and gives up halves after a day', async () => {
    const now = systemClock.now();
    const insert = (id: string, request: object | null, response: object | null, at: number) =>
      opened.database.query(
        `INSERT INTO exchange (transaction_id, request, request_at, response, first_at)
         VALUES ($1, $2::jsonb, $3::bigint, $4::jsonb, $5::bigint)`,
        [id, request && JSON.stringify(request), request && at, response && JSON.stringify(response), at],
      );
    await insert('left-whole', { credential: 'left' }, { responseCode: 200 }, now - 120_000);
    await insert('lone', { credential: 'left' }, null, now - 2 * 86_400_000);
    await insert('waits', null, { responseCode: 200 }, now);
    let expired = 0;
    const exchanges = createExchanges({
      database: opened.database,
      clock: systemClock,
      accept: async (list) => {
        const bodies = list.map(({ id, source, type, subject, time, data }) => ({
          specversion: '1.0',
          id,
          source,
          type,
          subject,
          time: new Date(time).toISOString(),
          data,
        }));
        const answer = await app.request('POST', '/api/v1/events', bodies, {
          'content-type': 'application/cloudevents-batch+json',
        });
        expect(answer.status).toBe(204);
        return { accepted: list.length, duplicates: [] };
      },
      eventOf: exchangeEventOf,
      onError: (error) => {
        throw error;
      },
      onExpired: (count) => {
        expired += count;
      },
    });
    await exchanges.sweep();
    expect(expired).toBe(1);
    expect(await events('left-whole')).toHaveLength(1);
    const { rows } = await opened.database.query('SELECT transaction_id FROM exchange');
    expect(rows).toEqual([{ transaction_id: 'waits' }]);
  });

  it.each([
    ['events', '{', 'malformed_json', undefined],
    ['events', { payload: {} }, 'validation_failed', 'transactionId'],
    ['events', { transactionId: 't', payload: [] }, 'validation_failed', 'payload'],
    ['events', { transactionId: 't', payload: {}, sourceType: 'NGINX' }, 'validation_failed', 'sourceType'],
    [
      'events',
      { transactionId: 't', payload: { ['x'.repeat(65)]: 1 } },
      'invalid_payload',
      `payload.${'x'.repeat(64)}`,
    ],
    ['events', '{"transactionId":"t","payload":{"a":1e99}}', 'invalid_payload', 'payload.a'],
    ['events', { transactionId: 't\ud800', payload: {} }, 'validation_failed', 'transactionId'],
    ['apis/requests', { transactionId: 't', method: 'BREW' }, 'validation_failed', 'method'],
    ['apis/responses', { transactionId: 't' }, 'validation_failed', 'responseCode'],
  ])('refuses to %s %j in its own shape', async (path, body, code, field) => {
    const response = await post(path, body);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({
      status: 400,
      error: 'Bad Request',
      path: `/meter/v2/${path}`,
      code,
      ...(field === undefined ? {} : { errors: [{ field }] }),
    });
  });

  it('asks for the token in x-api-key', async () => {
    const response = await fetch(`${app.url}/meter/v2/events`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      status: 401,
      message: 'send the header "x-api-key: <token>"',
    });
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sidecar, Plugin as TollgatePlugin } from '../../../plugin/src/tollgate';
import { startStandInGateway } from '../../../stand-in-gateway/src/index';
import { ManualClock } from '../support/manual-clock';
import { requestJson } from '../support/request-json';
import { describeOnEachStorage, type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

type Json = Record<string, unknown>;

const repository = join(__dirname, '../../..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** What a real Kong's http-log posted for five requests, in one batch. */
const [recorded] = JSON.parse(read('stand-in-gateway/test/fixtures/http-log-requests.json')) as {
  request: { path: string; headers: Record<string, string> };
  body: Json[];
}[];
const postedEntries = recorded!.body;

/** What a real Kong gave a plugin in its log phase: the same object, for seven other requests. */
const serializedEntries = read('plugin/test/fixtures/kong-3.9-log-phase.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line).message[3]?.[0]?.Data as unknown)
  .filter((data): data is string => typeof data === 'string' && data.startsWith('{'))
  .map((text) => JSON.parse(text) as Json);

const path = '/ingest/kong-http-log';

interface Answer {
  accepted: number;
  duplicates: number;
  unmetered: Record<string, number>;
  rejected: { field: string; message: string }[];
}

describeOnEachStorage("what Kong's http-log reports", (storage) => {
  const clock = new ManualClock('2026-11-21T12:00:00Z');
  let opened: TestDatabase;
  let app: TestApp;
  let journal: string;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
    journal = mkdtempSync(join(tmpdir(), 'tollgate-http-log-'));
    await requestJson(app, 'POST', '/api/v1/meters', {
      slug: 'api_requests',
      aggregation: 'COUNT',
      eventType: 'kong.api_request',
    });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
    rmSync(journal, { recursive: true, force: true });
  });

  const report = (body: unknown, query = '') => requestJson<Answer>(app, 'POST', `${path}${query}`, body);
  /** Events of one source, by id, without what only says when and where they came in. */
  const eventsOf = async (source: string): Promise<Json[]> => {
    const listed = await requestJson<{ event: Json }[]>(app, 'GET', '/api/v1/events');
    return listed
      .map(({ event }) => event)
      .filter((event) => event.source === source)
      .map(({ source: _, ...event }) => event)
      .sort((a, b) => String(a.id).localeCompare(String(b.id)));
  };
  const total = async (): Promise<number> => {
    const { data } = await requestJson<{ data: { value: number }[] }>(
      app,
      'GET',
      '/api/v1/meters/api_requests/query',
    );
    return data.reduce((sum, { value }) => sum + value, 0);
  };
  const throughThePlugin = async (entries: readonly Json[], config: Json): Promise<void> => {
    const plugin = new TollgatePlugin({
      ingest_endpoint: `${app.url}/v3/openmeter/events`,
      api_token: app.token,
      journal: { directory: journal },
      ...config,
    });
    for (const entry of entries) await plugin.logSerialized(JSON.stringify(entry));
    // Ends once everything is delivered; the next instance opens the journal again.
    await sidecar.drain(10_000);
  };

  it.each([
    ['the defaults', {}, {}],
    [
      'another subject and refusals counted',
      { subject: { look_up_value_in: 'consumer', field: 'custom_id' }, counted_source: 'any' },
      { look_up_value_in: 'consumer', field: 'custom_id', counted_source: 'any' },
    ],
    [
      'a header as the subject, chosen statuses and an attribute',
      {
        subject: { look_up_value_in: 'header', field: 'X-Consumer-Username' },
        counted_source: 'any',
        counted_statuses: ['200-299', '403'],
        attributes: [
          { source: 'header', look_up_value_in: 'Accept', event_property_name: 'accepts' },
          { source: 'query', look_up_value_in: 'x', event_property_name: 'x' },
        ],
      },
      {
        look_up_value_in: 'header',
        field: 'X-Consumer-Username',
        counted_source: 'any',
        counted_statuses: '200-299,403',
        attribute: ['header:Accept:accepts', 'query:x:x'],
      },
    ],
  ])('makes the events that the plugin makes of the same requests: %s', async (name, config, query) => {
    const entries = [...postedEntries, ...serializedEntries];
    const slug = name.replaceAll(/\W+/g, '-');
    await throughThePlugin(entries, { ...config, source: `plugin/${slug}` });
    const parameters = new URLSearchParams({ source: `http-log/${slug}` });
    for (const [key, value] of Object.entries<string | string[]>(query)) {
      for (const one of [value].flat()) parameters.append(key, one);
    }
    const answer = await report(entries, `?${parameters}`);
    expect(answer.rejected).toEqual([]);
    const events = await eventsOf(`http-log/${slug}`);
    expect(events.length).toBeGreaterThan(3);
    expect(events).toEqual(await eventsOf(`plugin/${slug}`));

    // The same gateway reporting both ways under one source: every request is known already.
    const before = await total();
    parameters.set('source', `plugin/${slug}`);
    expect(await report(entries, `?${parameters}`)).toMatchObject({
      accepted: 0,
      duplicates: answer.accepted,
    });
    await throughThePlugin(entries, { ...config, source: `http-log/${slug}` });
    expect(await total()).toBe(before);
  });

  it('takes the recorded body as it was posted, its headers included', async () => {
    const response = await fetch(`${app.url}${recorded!.request.path}?source=as-posted`, {
      method: 'POST',
      headers: { ...recorded!.request.headers, authorization: `Bearer ${app.token}` },
      body: JSON.stringify(postedEntries),
    });
    expect(response.status).toBe(200);
    const served = postedEntries.filter(({ source, consumer }) => source === 'upstream' && consumer);
    expect(await eventsOf('as-posted')).toHaveLength(served.length);
    expect(JSON.stringify(await eventsOf('as-posted'))).not.toContain('alice-key');
  });

  it('takes one object as http-log posts it with batches of one, and an empty batch', async () => {
    expect(await report(postedEntries[0], '?source=single')).toMatchObject({ accepted: 1 });
    expect(await report([], '?source=single')).toEqual({
      accepted: 0,
      duplicates: 0,
      unmetered: {},
      rejected: [],
    });
  });

  it('counts the good entries of a batch and lists the bad ones', async () => {
    const broken = { ...postedEntries[0], request: { ...(postedEntries[0]!.request as Json), id: 7 } };
    const answer = await report([broken, postedEntries[1], 'text'], '?source=mixed');
    expect(answer).toMatchObject({
      accepted: 1,
      rejected: [{ field: '$[0].request.id' }, { field: '$[2]' }],
    });
    const refused = await app.request('POST', path, [broken]);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: 'invalid_event' });
  });

  it.each([
    ['an unknown rule', '?counted_status=200', 'counted_status'],
    ['statuses that are none', '?counted_statuses=2xx', 'counted_statuses'],
    ['a credential as the subject', '?look_up_value_in=header&field=Authorization', 'field'],
    ['a credential as an attribute', '?attribute=header:apikey:key', 'attribute'],
    ['a header without its name', '?look_up_value_in=header', 'field'],
    ['a field of the consumer that does not exist', '?field=email', 'field'],
  ])('refuses %s and names it', async (_, query, field) => {
    const response = await app.request('POST', `${path}${query}`, []);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({
      code: 'validation_failed',
      extensions: { validationErrors: [{ field }] },
    });
  });

  it('refuses a body that is not JSON, and a request without a token', async () => {
    const malformed = await app.request('POST', path, '[{');
    expect(malformed.status).toBe(400);
    expect(await malformed.json()).toMatchObject({ code: 'malformed_json' });
    expect((await fetch(`${app.url}${path}`, { method: 'POST', body: '[]' })).status).toBe(401);
  });
});

describe('examples/kong/http-log.yml', () => {
  it('meters a request that a gateway serves', async () => {
    const opened = await testStorages[0]!.open();
    const app = await startTestApp(opened.database);
    const upstream = createServer((_, response) => response.end('ok'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as { port: number };
    const config = read('examples/kong/http-log.yml')
      .replace('http://orders.internal:8080', `http://127.0.0.1:${port}`)
      .replace('http://tollgate:8888', app.url)
      .replace('{vault://env/TOLLGATE_AUTHORIZATION}', `Bearer ${app.token}`)
      .replace('max_coalescing_delay: 1', 'max_coalescing_delay: 0.01');
    const gateway = await startStandInGateway({ config });
    try {
      const served = await fetch(`${gateway.proxyUrl}/orders/1`, { headers: { apikey: 'acme-key' } });
      expect(served.status).toBe(200);
      const refused = await fetch(`${gateway.proxyUrl}/orders/1`, { headers: { apikey: 'another' } });
      expect(refused.status).toBe(401);
      const listed = () => requestJson<{ event: Json }[]>(app, 'GET', '/api/v1/events');
      await waitUntil('the request is metered', async () => (await listed()).length > 0);
      expect((await listed()).map(({ event }) => event)).toMatchObject([
        { type: 'kong.api_request', subject: 'acme-inc', source: 'kong-gateway' },
      ]);
    } finally {
      await gateway.close();
      await new Promise((resolve) => upstream.close(resolve));
      await app.stop();
      await opened.drop();
    }
  });
});

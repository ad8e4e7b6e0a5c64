import type pino from 'pino';
import { startApp } from '../../src/app';
import { readConfiguration } from '../../src/config/configuration';
import { createLogger } from '../../src/observability/logger';
import { systemClock } from '../../src/primitives/clock';
import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const batchType = { 'content-type': 'application/cloudevents-batch+json' };

describeOnEachStorage('metrics', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const metric = async (series: string): Promise<number | undefined> => {
    const text = await (await app.request('GET', '/metrics')).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };

  it('count accepted events and duplicates, and measure the batches', async () => {
    const batch = [cloudEvent(), cloudEvent(), cloudEvent()];
    await app.request('POST', '/api/v1/events', batch, batchType);
    await app.request('POST', '/api/v1/events', batch, batchType);
    expect(await metric('tollgate_ingest_events_total{result="accepted"}')).toBe(3);
    expect(await metric('tollgate_ingest_events_total{result="duplicate"}')).toBe(3);
    expect(await metric('tollgate_ingest_batch_events_sum')).toBe(6);
    expect(await metric('tollgate_ingest_commit_seconds_count')).toBe(2);
    expect(await metric('tollgate_ingest_lag_seconds_count')).toBe(2);
    expect(await metric('tollgate_ingest_queue_events')).toBe(0);
  });

  it('name requests by their route, never by their path', async () => {
    await app.request('GET', '/api/v1/meters/some_meter');
    await app.request('GET', '/no/such/path');
    const series = 'tollgate_http_request_seconds_count{method="GET",route=';
    await waitUntil('both are counted', async () => {
      const counted = await metric(`${series}"/api/v1/meters/{meterIdOrSlug}",status="404"}`);
      return counted === 1 && (await metric(`${series}"unmatched",status="404"}`)) === 1;
    });
  });

  it('tell the depth and the age of each outbox', async () => {
    for (const outbox of ['deliveries', 'access']) {
      expect(await metric(`tollgate_outbox_depth{outbox="${outbox}"}`)).toBe(0);
      expect(await metric(`tollgate_outbox_oldest_seconds{outbox="${outbox}"}`)).toBe(0);
    }
  });

  it('ask for a token', async () => {
    expect((await fetch(`${app.url}/metrics`)).status).toBe(401);
  });
});

describeOnEachStorage('the log', (storage) => {
  it('names each request by its id and repeats no secret that came with it', async () => {
    const lines: string[] = [];
    const opened = await storage.open();
    const token = 'tg_the_token_that_must_not_be_logged';
    const log = createLogger('debug', { write: (line: string) => void lines.push(line) });
    const app = await startApp({
      configuration: { ...readConfiguration({}), port: 0 },
      database: opened.database,
      clock: systemClock,
      log,
      token,
    });
    try {
      const headers = { authorization: `Bearer ${token}`, 'x-request-id': 'request-1' };
      await fetch(`${app.url}/api/v1/meters?search=secret-in-query`, { headers });
      await fetch(`${app.url}/api/v1/events`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: '{"secret-in-body"',
      });
      await waitUntil(
        'both are logged',
        () => lines.filter((line) => line.includes('request-1')).length >= 2,
      );
    } finally {
      await app.stop();
      await opened.drop();
    }
    const text = lines.join('');
    expect(text).toContain('"requestId":"request-1","method":"GET","path":"/api/v1/meters","status":200');
    for (const secret of [token, 'secret-in-query', 'secret-in-body']) expect(text).not.toContain(secret);
  });

  it.each([
    [{ authorization: 'Bearer x-secret' }],
    [{ headers: { authorization: 'x-secret', apikey: 'x-secret', cookie: 'x-secret' } }],
    [{ request: { token: 'x-secret' } }],
    [{ channel: { signingSecret: 'x-secret' } }],
    [{ err: Object.assign(new Error('failed'), { config: { headers: { Authorization: 'x-secret' } } }) }],
    [{ connection: { password: 'x-secret' } }],
  ])('cuts secrets out wherever they might stand', (fields) => {
    const lines: string[] = [];
    const log: pino.Logger = createLogger('info', { write: (line: string) => void lines.push(line) });
    log.info(fields, 'message');
    expect(lines.join('')).toContain('message');
    expect(lines.join('')).not.toContain('x-secret');
  });
});

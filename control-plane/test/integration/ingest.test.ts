import { excludeEventWriters } from '../../src/storage';
import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const batchType = { 'content-type': 'application/cloudevents-batch+json' };

describeOnEachStorage('ingest', (storage) => {
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

  const stored = async (): Promise<number> => {
    const { rows } = await opened.database.query<{ week: number }>('SELECT week FROM event_week');
    let total = 0;
    for (const { week } of rows) {
      const count = await opened.database.query<{ n: number }>(`SELECT count(*) AS n FROM event_${week}`);
      total += count.rows[0]!.n;
    }
    return total;
  };

  it('answers 204 once a batch is stored', async () => {
    const before = await stored();
    const response = await app.request('POST', '/api/v1/events', [cloudEvent(), cloudEvent()], batchType);
    expect(response.status).toBe(204);
    expect(await stored()).toBe(before + 2);
  });

  it('stores a resent batch once and says which events were known', async () => {
    const batch = [cloudEvent(), cloudEvent({ source: 'kong-gateway-2' })];
    const before = await stored();
    await app.request('POST', '/api/v1/events', batch, batchType);
    const again = await app.request('POST', '/api/v1/events', [...batch, cloudEvent({ id: 'new-one' })], {
      ...batchType,
      prefer: 'return=representation',
    });
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({
      accepted: [{ id: 'new-one' }],
      duplicates: batch.map(({ id, source }) => ({ id, source })),
    });
    expect(await stored()).toBe(before + 3);
  });

  it('counts nothing twice when a batch is sent again because its answer was lost', async () => {
    await app.request('POST', '/api/v1/meters', { slug: 'lost', aggregation: 'COUNT', eventType: 'lost' });
    const batch = Array.from({ length: 100 }, () => cloudEvent({ type: 'lost' }));
    const send = () => app.request('POST', '/api/v1/events', batch, batchType);
    // What the sender of a lost answer knows: nothing. It sends while the first one may be under way, and after it.
    const lost = send();
    const statuses = (await Promise.all([lost, send()])).map(({ status }) => status);
    expect([...statuses, (await send()).status]).toEqual([204, 204, 204]);
    const counted = await app.request('GET', '/api/v1/meters/lost/query');
    expect(await counted.json()).toMatchObject({ data: [{ value: 100 }] });
  });

  it('keeps two events apart whose source and id join to the same text', async () => {
    const before = await stored();
    const batch = [cloudEvent({ source: 'a-b', id: 'c' }), cloudEvent({ source: 'a', id: 'b-c' })];
    await app.request('POST', '/api/v1/events', batch, batchType);
    expect(await stored()).toBe(before + 2);
  });

  it('names the bad event of a batch by its index and stores nothing of it', async () => {
    const before = await stored();
    const batch = Array.from({ length: 100 }, (_, index) => cloudEvent(index === 17 ? { subject: '' } : {}));
    const response = await app.request('POST', '/api/v1/events', batch, batchType);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({
      status: 400,
      code: 'invalid_event',
      extensions: { validationErrors: [{ field: '$[17].subject', code: 'minLength' }] },
    });
    expect(await stored()).toBe(before);
  });

  it.each([
    ['malformed JSON', '{', 400, 'malformed_json'],
    ['an empty body', '', 400, 'malformed_json'],
    ['a number', '1', 400, 'invalid_event'],
    ['data that is text', JSON.stringify(cloudEvent({ data: 'text' })), 400, 'invalid_event'],
    ['a time that is none', JSON.stringify(cloudEvent({ time: 'yesterday' })), 400, 'invalid_event'],
    ['U+0000 in a subject', JSON.stringify(cloudEvent({ subject: 'a\u0000b' })), 400, 'invalid_event'],
  ])('refuses %s', async (_, body, status, code) => {
    const response = await app.request('POST', '/api/v1/events', body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it('refuses another content type and names the right ones', async () => {
    const response = await app.request('POST', '/api/v1/events', '<event/>', { 'content-type': 'text/xml' });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toMatch(/application\/cloudevents\+json/);
  });

  it('refuses a body beyond the limit', async () => {
    const response = await app.request('POST', '/api/v1/events', `[${' '.repeat(5 << 20)}]`);
    expect(response.status).toBe(413);
  });

  it('asks for a token', async () => {
    const response = await fetch(`${app.url}/api/v1/events`, { method: 'POST', body: '[]' });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('takes a content type with a charset, and binary mode', async () => {
    const before = await stored();
    const structured = await app.request('POST', '/api/v1/events', cloudEvent(), {
      'content-type': 'application/cloudevents+json; charset=utf-8',
    });
    const binary = await app.request(
      'POST',
      '/api/v1/events',
      { request_method: 'GET' },
      {
        'ce-specversion': '1.0',
        'ce-id': 'binary-1',
        'ce-source': 'test',
        'ce-type': 'kong.api_request',
        'ce-subject': 'acme%20inc',
      },
    );
    expect([structured.status, binary.status]).toEqual([204, 204]);
    expect(await stored()).toBe(before + 2);
  });

  it('refuses what its queue has no room for with 503 and Retry-After, and counts the resend once', async () => {
    const busy = await startTestApp(opened.database, { configuration: { ingestQueueLimit: 10 } });
    const before = await stored();
    const requests = Array.from({ length: 5 }, () => Array.from({ length: 8 }, () => cloudEvent()));
    const send = (events: unknown[]) => busy.request('POST', '/api/v1/events', events, batchType);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const holding = opened.database.transaction(async (transaction) => {
      await excludeEventWriters(transaction);
      await held;
    });
    let refused = 0;
    const answers = requests.map(async (events) => {
      const response = await send(events);
      if (response.status === 503) refused += 1;
      return { events, response };
    });
    await waitUntil('three of five are refused', () => refused >= 3);
    release();
    await holding;
    for (const { events, response } of await Promise.all(answers)) {
      if (response.status === 204) continue;
      expect(response.status).toBe(503);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ code: 'ingest_overloaded' });
      expect((await send(events)).status).toBe(204);
    }
    expect(await stored()).toBe(before + 40);
    await busy.stop();
  });
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '../../src/observability/logger';
import { createTracing, type Tracing } from '../../src/observability/tracing';
import { cloudEvent } from '../support/cloud-events';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

interface Span {
  traceId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
  status: { code?: number };
}

/** A receiver of OTLP over HTTP (JSON encoding) that keeps what it is sent. */
const startReceiver = async () => {
  const spans: Span[] = [];
  const headers: Record<string, unknown>[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    headers.push(request.headers);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    expect(request.url).toBe('/v1/traces');
    for (const { scopeSpans } of body.resourceSpans) {
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    headers,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
};

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';

describeOnEachStorage('traces', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let tracing: Tracing;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;

  beforeAll(async () => {
    opened = await storage.open();
    receiver = await startReceiver();
    tracing = await createTracing({
      endpoint: `${receiver.url}/`,
      headers: 'x-key=a%20secret',
      serviceName: 'tollgate',
      version: '0.0.0',
      sampleRatio: 0,
      log: createLogger('silent'),
    });
    app = await startTestApp(opened.database, { tracing });
  });
  afterAll(async () => {
    await receiver.close();
    await opened.drop();
  });

  it('continue those of sampled callers, name routes, and are sent before the process ends', async () => {
    const sampled = { traceparent: `00-${traceId}-${parentId}-01` };
    await app.request('GET', '/api/v1/meters/some_meter', undefined, sampled);
    await app.request('POST', '/api/v1/events', cloudEvent(), {
      'content-type': 'application/cloudevents+json',
      ...sampled,
    });
    await app.request('GET', '/api/v1/meters/not_sampled');
    await app.request('GET', '/api/v1/meters/malformed', undefined, {
      traceparent: `00-${'0'.repeat(32)}-${parentId}-01`,
    });
    await app.stop();
    await tracing.stop();
    expect(receiver.spans.map(({ name }) => name).sort()).toEqual([
      'GET /api/v1/meters/{meterIdOrSlug}',
      'POST /api/v1/events',
    ]);
    for (const span of receiver.spans) {
      expect(span).toMatchObject({ traceId, parentSpanId: parentId });
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
      expect(JSON.stringify(span)).not.toContain('some_meter');
    }
    const attributes = receiver.spans.find(({ name }) => name.startsWith('GET'))!.attributes;
    expect(attributes).toContainEqual({ key: 'http.response.status_code', value: { intValue: 404 } });
    expect(receiver.headers[0]).toMatchObject({ 'x-key': 'a secret' });
  });
});

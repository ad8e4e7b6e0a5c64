import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StandInGateway, startStandInGateway } from '../../../stand-in-gateway/src';
import { cloudEvent } from '../support/cloud-events';
import { environmentOf, runCli } from '../support/run-cli';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const requests = 400;
const withheld = 5;

const kongFile = (port: number) => `_format_version: "3.0"
services:
  - name: orders
    url: http://127.0.0.1:${port}
    routes: [{ name: orders-v1, paths: [/orders] }]
    plugins: [{ name: key-auth, config: { key_names: [apikey] } }]
consumers:
  - username: acme-inc
    keyauth_credentials: [{ key: acme-key }]
  - username: globex
    keyauth_credentials: [{ key: globex-key }]
`;

describeOnEachStorage('tollgate audit', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let gateway: StandInGateway;
  let upstream: Server;
  let directory: string;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    directory = mkdtempSync(join(tmpdir(), 'tollgate-audit-'));
    upstream = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
    await new Promise((resolve) => upstream.once('listening', resolve));
    gateway = await startStandInGateway({ config: kongFile((upstream.address() as AddressInfo).port) });
    await app.request('POST', '/api/v1/meters', {
      slug: 'api_requests',
      eventType: 'kong.api_request',
      aggregation: 'COUNT',
    });
  });
  afterAll(async () => {
    await gateway.close();
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
    await app.stop();
    await opened.drop();
    rmSync(directory, { recursive: true });
  });

  /** Sends requests through the gateway; returns an event for each, as the plugin would. */
  const traffic = async (consumer: string, key: string, count: number) => {
    const events: Record<string, unknown>[] = [];
    for (let sent = 0; sent < count; sent += 20) {
      const answers = await Promise.all(
        Array.from({ length: Math.min(20, count - sent) }, () =>
          fetch(`${gateway.proxyUrl}/orders`, { headers: { apikey: key } }),
        ),
      );
      for (const answer of answers) {
        expect(answer.status).toBe(200);
        await answer.text();
        events.push(cloudEvent({ subject: consumer }));
      }
    }
    return events;
  };

  const send = async (events: Record<string, unknown>[]): Promise<void> => {
    const answer = await app.request('POST', '/api/v1/events', events, {
      'content-type': 'application/cloudevents-batch+json',
    });
    expect(answer.status).toBe(204);
  };

  const audit = (...given: string[]) =>
    runCli(environmentOf(app), 'audit', '--metrics-url', `${gateway.adminUrl}/metrics`, ...given);

  it('finds no drift where every request is metered, and exactly the events that are withheld', async () => {
    const acme = await traffic('acme-inc', 'acme-key', requests);
    const globex = await traffic('globex', 'globex-key', requests / 2);
    await send([...acme.slice(withheld), ...globex]);
    const short = await audit();
    expect(short.status).toBe(1);
    expect(short.out).toMatch(/acme-inc +400 +395 +-5\nglobex +200 +200 +0\ndrift: 5\n/);
    await send(acme.slice(0, withheld));
    const whole = await audit();
    expect(whole.out).toMatch(/drift: 0\n/);
    expect(whole.status).toBe(0);
  });

  it('compares only what came since the last audit where a file keeps the counters', async () => {
    const state = join(directory, 'audit.json');
    expect((await audit('--state', state)).out).toContain('audit again later');
    const events = await traffic('acme-inc', 'acme-key', 20);
    await send(events.slice(1));
    const { status, out } = await audit('--state', state);
    expect(status).toBe(1);
    expect(out).toMatch(/acme-inc +20 +19 +-1\n/);
  });

  it('says what Kong lacks when it tells no counters by consumer', async () => {
    const { status, error } = await audit('--codes', '500-599');
    expect(status).toBe(1);
    expect(error).toContain('set per_consumer: true');
  });
});

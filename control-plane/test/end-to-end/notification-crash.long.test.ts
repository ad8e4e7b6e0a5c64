import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/storage/migrate';
import { openPglite } from '../../src/storage/postgres/pglite';
import { type ControlPlaneProcess, startControlPlaneProcess } from '../support/control-plane-process';
import { entitleCustomers } from '../support/entitled-customer';
import { describeOnEachStorage, type TestDatabase, type TestStorage } from '../support/storages';
import { testToken } from '../support/test-app';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const customers = 1_000;
/** Each customer crosses the lines 1..10, one event a line. */
const lines = 10;
const crossings = customers * lines;
const kills = 5;
const feature = 'crash_requests';
const subjects = Array.from({ length: customers }, (_, index) => `crash-${index}`);
const from = Date.now() - 3_600_000;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

describeOnEachStorage('a control plane that is killed again and again', (storage: TestStorage) => {
  let opened: TestDatabase | undefined;
  let directory: string;
  let receiver: WebhookReceiver;
  let port: number;
  let controlPlane: ControlPlaneProcess;

  const start = async () => {
    controlPlane = await startControlPlaneProcess({
      databaseUrl: opened?.url,
      dataDirectory: directory,
      port,
      environment: { TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS: 'true' },
    });
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tollgate-crash-'));
    receiver = await startWebhookReceiver();
    port = await freePort();
    const embedded = storage.kind === 'pglite' ? await openPglite(join(directory, 'database')) : undefined;
    if (embedded) await migrate(embedded);
    else opened = await storage.open();
    const database = embedded ?? opened!.database;
    await entitleCustomers({ database, from, subjects, allowance: '10', featureKey: feature });
    await embedded?.close();
    await start();
  }, 60_000);
  afterAll(async () => {
    await controlPlane.stop();
    await receiver.close();
    await opened?.drop();
    rmSync(directory, { recursive: true, force: true });
  });

  const post = async (path: string, body: unknown, contentType = 'application/json') => {
    const response = await fetch(`${controlPlane.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${testToken}`, 'content-type': contentType },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  };

  /** What a sender with a journal does: the same batch again until it is answered. */
  const sendUntilAnswered = async (batch: unknown[]): Promise<void> => {
    await waitUntil(
      'a batch is answered',
      () =>
        post('/api/v1/events', batch, 'application/cloudevents-batch+json').then(
          () => true,
          () => false,
        ),
      120_000,
    );
  };

  it(`delivers each of ${crossings} crossings, and none under two ids`, async () => {
    const channel = await post('/api/v1/notification/channels', {
      type: 'WEBHOOK',
      name: 'crash',
      url: `${receiver.url}/crash`,
    });
    await post('/api/v1/notification/rules', {
      type: 'entitlements.balance.threshold',
      name: 'every unit',
      channels: [(channel as { id: string }).id],
      thresholds: Array.from({ length: lines }, (_, index) => ({ type: 'usage_value', value: index + 1 })),
    });

    const batches = Array.from({ length: lines }, (_, line) =>
      Array.from({ length: customers / 100 }, (_, part) =>
        subjects.slice(part * 100, part * 100 + 100).map((subject) => ({
          specversion: '1.0',
          id: `${subject}-${line}`,
          source: 'crash',
          type: feature,
          subject,
        })),
      ),
    ).flat();
    const sending = (async () => {
      for (const batch of batches) await sendUntilAnswered(batch);
    })();

    // Killed at moments that differ from run to run, while events come in and webhooks go out.
    for (let kill = 1; kill <= kills; kill += 1) {
      const at = Math.round((crossings * (kill - randomInt(100) / 100)) / (kills + 1)) + 1;
      await waitUntil(`${at} webhooks`, () => receiver.received.length >= at, 120_000);
      await controlPlane.kill();
      await start();
    }
    await sending;

    const ids = new Map<string, Set<string>>();
    let read = 0;
    await waitUntil(
      'every crossing is delivered',
      () => {
        for (; read < receiver.received.length; read += 1) {
          const { body, headers } = receiver.received[read]!;
          const data = body.data as unknown as { subject: { key: string }; threshold: { value: number } };
          const crossing = `${data.subject.key} ${data.threshold.value}`;
          ids.set(crossing, (ids.get(crossing) ?? new Set()).add(String(headers['webhook-id'])));
        }
        return ids.size >= crossings;
      },
      120_000,
    );
    expect([...ids].filter(([, seen]) => seen.size > 1)).toEqual([]);
    expect(ids.size).toBe(crossings);
    expect(new Set([...ids.values()].map((seen) => [...seen][0])).size).toBe(crossings);
    process.stderr.write(
      `${storage.kind}: ${crossings} crossings, ${kills} kills, ${receiver.received.length - crossings} repeats under the same id\n`,
    );
  }, 300_000);
});

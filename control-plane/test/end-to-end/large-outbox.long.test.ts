import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../../demo/free-ports';
import { migrate } from '../../src/storage/migrate';
import { openPglite } from '../../src/storage/postgres/pglite';
import { startControlPlaneProcess } from '../support/control-plane-process';
import { describeOnEachStorage } from '../support/storages';
import { waitUntil } from '../support/wait-until';
import { startWebhookReceiver } from '../support/webhook-receiver';

const waiting = 100_000;
/** So many must have gone out before the test is content: the start is what it is about, not the whole backlog. */
const worked = 2_000;

/** What a crash leaves behind: deliveries in flight whose lease has ended, and access changes that are due. */
const backlog = (url: string, now: number): string => `
  INSERT INTO customer (id, key, name, created_at, updated_at)
    SELECT 'c' || n, 'c' || n, 'c' || n, ${now}, ${now} FROM generate_series(1, ${waiting}) n;
  INSERT INTO notification_channel (id, type, name, url, signing_secret, created_at, updated_at)
    SELECT 'channel' || n, 'WEBHOOK', 'channel' || n, '${url}/' || n, 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', ${now}, ${now}
    FROM generate_series(1, 50) n;
  INSERT INTO notification_rule (id, type, name, thresholds, created_at, updated_at)
    VALUES ('rule', 'entitlements.balance.threshold', 'rule', '[]', ${now}, ${now});
  INSERT INTO notification_event (id, type, rule_id, created_at, payload)
    SELECT 'e' || n, 'entitlements.balance.threshold', 'rule', ${now},
      '{"id":"e' || n || '","type":"entitlements.balance.threshold","timestamp":"2026-01-01T00:00:00Z","data":{}}'
    FROM generate_series(1, ${waiting}) n;
  INSERT INTO notification_delivery (event_id, channel_id, state, updated_at, due_at, is_in_flight, takes)
    SELECT 'e' || n, 'channel' || (1 + n % 50), 'SENDING', ${now}, ${now - 1}, true, 1 FROM generate_series(1, ${waiting}) n;
  INSERT INTO gateway (id, key, name, driver, settings, created_at, updated_at)
    VALUES ('edge', 'edge', 'edge', 'kong-acl', '{"adminUrls":["http://127.0.0.1:9"]}', ${now}, ${now});
  INSERT INTO access_state (gateway_id, customer_id, due_at, cause, caused_at)
    SELECT 'edge', 'c' || n, ${now - 1}, 'threshold', ${now} FROM generate_series(1, ${waiting}) n;`;

describeOnEachStorage('a start after a crash with a large outbox', (storage) => {
  it(`is ready, serves, and works ${waiting} deliveries and as many access changes off beside it`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tollgate-outbox-'));
    const receiver = await startWebhookReceiver();
    const embedded = storage.kind === 'pglite' ? await openPglite(join(directory, 'database')) : undefined;
    if (embedded) await migrate(embedded);
    const opened = embedded ? undefined : await storage.open();
    const database = embedded ?? opened!.database;
    await database.script(backlog(receiver.url, Date.now()));
    await embedded?.close();
    const [port] = (await freePorts(1)) as [number];
    const begun = performance.now();
    const controlPlane = await startControlPlaneProcess({
      databaseUrl: opened?.url,
      dataDirectory: directory,
      port,
      environment: { TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS: 'true' },
    });
    const readyMs = performance.now() - begun;
    try {
      await waitUntil('deliveries go out', () => receiver.received.length >= worked, 120_000);
      const workedMs = performance.now() - begun;
      expect((await fetch(`${controlPlane.url}/healthz`)).status).toBe(200);
      const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
      expect(new Set(ids).size).toBe(ids.length);
      process.stderr.write(
        `${storage.kind}: ready ${readyMs.toFixed(0)} ms after the start with ${waiting} deliveries and ${waiting} access changes waiting; ${worked} delivered after ${workedMs.toFixed(0)} ms\n`,
      );
    } finally {
      await controlPlane.stop();
      await receiver.close();
      await opened?.drop();
      rmSync(directory, { recursive: true, force: true });
    }
  }, 400_000);
});

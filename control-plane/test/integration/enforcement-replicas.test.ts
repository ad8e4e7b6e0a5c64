import type { StandInGateway } from '../../../stand-in-gateway/src';
import { systemClock } from '../../src/primitives/clock';
import type { Database } from '../../src/storage';
import { openNodePostgres } from '../../src/storage/postgres/node-postgres';
import { AccessFixture } from '../support/access-fixture';
import { cloudEvent } from '../support/cloud-events';
import { isLetIn, startAclGateway } from '../support/kong-fixture';
import { requestJson } from '../support/request-json';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

jest.setTimeout(120_000);

const count = 60;
const names = Array.from({ length: 2 * count }, (_, index) => `c-${index}`);

describeOnEachStorage('replicas of the control plane', (storage) => {
  // The embedded database serves one process: there, one replica has everything to itself.
  const replicas = storage.kind === 'postgres' ? 2 : 1;
  let opened: TestDatabase;
  const databases: Database[] = [];
  const apps: TestApp[] = [];
  let gateway: StandInGateway;

  beforeAll(async () => {
    opened = await storage.open();
    for (let index = 0; index < replicas; index += 1) {
      const database = opened.url ? openNodePostgres({ connectionString: opened.url }) : opened.database;
      if (opened.url) databases.push(database);
      apps.push(await startTestApp(database, { configuration: { sweepIntervalSeconds: 1 } }));
    }
    gateway = await startAclGateway('postgres', names);
    await requestJson(apps[0]!, 'POST', '/api/v1/access/gateways', {
      key: 'edge',
      driver: 'kong-acl',
      adminUrls: [gateway.adminUrl],
    });
    await requestJson(apps[0]!, 'POST', '/api/v1/access/policies', {
      feature: 'requests',
      gateway: 'edge',
      leave: ['orders-access'],
    });
    const fixture = new AccessFixture(opened.database, systemClock);
    await fixture.entitle(names.map((key) => ({ key, featureKey: 'requests', allowance: 1 })));
  });
  afterAll(async () => {
    for (const app of apps) await app.stop();
    for (const database of databases) await database.close();
    await gateway?.close();
    await opened?.drop();
  });

  const removals = (): number => gateway.stats.adminCalls['DELETE /consumers/{id}/acls/{id}'] ?? 0;
  /** Each consumer crosses at one of the running replicas, in turn. */
  const cross = (subjects: readonly string[], at: readonly TestApp[]) =>
    Promise.all(
      subjects.map(async (subject, index) => {
        const response = await at[index % at.length]!.request(
          'POST',
          '/api/v1/events',
          cloudEvent({ subject }),
          {
            'content-type': 'application/cloudevents+json',
          },
        );
        expect(response.status).toBe(204);
      }),
    );
  const logged = async () =>
    (
      await opened.database.query<{ consumer: string; outcome: string }>(
        "SELECT consumer, outcome FROM access_log WHERE access = 'out' ORDER BY consumer",
      )
    ).rows;
  const areOut = (subjects: readonly string[]) =>
    waitUntil(
      'all are out, and it is written down',
      async () => (await logged()).length >= subjects.length,
      60_000,
    );

  it('make each change once and log it once, whichever of them counted the usage', async () => {
    const first = names.slice(0, count);
    await cross(first, apps);
    await areOut(first);
    expect(removals()).toBe(count);
    expect(await logged()).toEqual(first.toSorted().map((consumer) => ({ consumer, outcome: 'done' })));
  });

  it('hand a gateway over when one of them stops, and still make nothing twice', async () => {
    const rest = names.slice(count);
    if (apps.length > 1) {
      const crossing = cross(rest, apps.slice(1));
      await waitUntil('some are out', () => removals() > count, 60_000);
      await apps.shift()!.stop();
      await crossing;
    } else await cross(rest, apps);
    await areOut(names);
    expect(removals()).toBe(2 * count);
    expect(await logged()).toEqual(names.toSorted().map((consumer) => ({ consumer, outcome: 'done' })));
    for (const name of [names[0]!, rest[0]!]) expect(await isLetIn(gateway, name)).toBe(false);
  });
});

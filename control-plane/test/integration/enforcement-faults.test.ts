import type { AdminFault, StandInGateway } from '../../../stand-in-gateway/src';
import { systemClock } from '../../src/primitives/clock';
import { AccessFixture, type EntitledCustomer } from '../support/access-fixture';
import { cloudEvent } from '../support/cloud-events';
import { isLetIn, startAclGateway } from '../support/kong-fixture';
import { requestJson } from '../support/request-json';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

/** How long each fault lasts; with 0 until the gateway was tried three times. */
const faultMs = Number(process.env.FAULT_SECONDS ?? 0) * 1_000;

jest.setTimeout(60_000 + 3 * faultMs);

const faults: { name: string; fault: AdminFault }[] = [
  { name: 'is down', fault: { kind: 'down' } },
  { name: 'answers after five seconds', fault: { kind: 'slow', delayMs: 5_000 } },
  { name: 'answers 500', fault: { kind: 'status', status: 500 } },
  { name: 'answers 401', fault: { kind: 'status', status: 401 } },
  { name: 'answers 429', fault: { kind: 'status', status: 429, headers: { 'Retry-After': '1' } } },
  { name: 'breaks off its answers before the change', fault: { kind: 'cut', isApplied: false } },
  { name: 'breaks off its answers after the change', fault: { kind: 'cut', isApplied: true } },
];

const batchType = { 'content-type': 'application/cloudevents-batch+json' };
const eachFault = 5;

/** One storage is enough here: it is the gateway that fails. */
describe(`a failing gateway [${testStorages.at(-1)!.kind}]`, () => {
  let opened: TestDatabase;
  let app: TestApp;
  let fixture: AccessFixture;
  let failing: StandInGateway;
  let healthy: StandInGateway;
  const names = faults.flatMap((_, fault) =>
    Array.from({ length: 2 * eachFault }, (_, index) => `c${fault}-${index}`),
  );
  const customers = new Map<string, EntitledCustomer>();

  const cross = (subjects: readonly string[]) =>
    app.request(
      'POST',
      '/api/v1/events',
      subjects.map((subject) => cloudEvent({ subject })),
      batchType,
    );
  const everybodyIs = (gateway: StandInGateway, subjects: readonly string[], expected: boolean) =>
    waitUntil(
      `all are ${expected ? 'in' : 'out'}`,
      async () => {
        for (const name of subjects) if ((await isLetIn(gateway, name)) !== expected) return false;
        return true;
      },
      45_000,
    );
  const calls = () => Object.values(failing.stats.adminCalls).reduce((sum, count) => sum + count, 0);

  beforeAll(async () => {
    opened = await testStorages.at(-1)!.open();
    app = await startTestApp(opened.database, { configuration: { sweepIntervalSeconds: 1 } });
    fixture = new AccessFixture(opened.database, systemClock);
    failing = await startAclGateway('postgres', names);
    healthy = await startAclGateway('postgres', names);
    for (const [key, gateway] of Object.entries({ failing, healthy })) {
      await requestJson(app, 'POST', '/api/v1/access/gateways', {
        key,
        driver: 'kong-acl',
        adminUrls: [gateway.adminUrl],
      });
      await requestJson(app, 'POST', '/api/v1/access/policies', {
        feature: 'requests',
        gateway: key,
        leave: ['orders-access'],
      });
    }
    const made = await fixture.entitle(names.map((key) => ({ key, featureKey: 'requests', allowance: 1 })));
    for (const [index, key] of names.entries()) customers.set(key, made[index]!);
  });
  afterAll(async () => {
    await app?.stop();
    await failing?.close();
    await healthy?.close();
    await opened?.drop();
  });

  it.each(faults)(
    'that $name delays its own changes only, is not stormed, and loses none',
    async ({ name, fault }) => {
      const own = names.filter((key) => key.startsWith(`c${faults.findIndex((one) => one.name === name)}-`));
      const [restored, crossed] = [own.slice(0, eachFault), own.slice(eachFault)];
      await cross(restored);
      await everybodyIs(failing, restored, false);

      await failing.setAdminFault(fault);
      const before = calls();
      const startedAt = performance.now();
      await cross(crossed);
      for (const key of restored) await fixture.grant(customers.get(key)!.entitlementId, 5);
      // The other gateway does not wait for this one.
      await everybodyIs(healthy, crossed, false);
      await everybodyIs(healthy, restored, true);
      if (fault.kind !== 'slow') {
        await waitUntil('the board tells that the gateway fails', async () => {
          const gateway = await requestJson<{ health: { status: string } }>(
            app,
            'GET',
            '/api/v1/access/gateways/failing',
          );
          return gateway.health.status === 'failing';
        });
      }
      await waitUntil(
        'the fault has lasted',
        () => (faultMs > 0 ? performance.now() - startedAt > faultMs : performance.now() - startedAt > 2_000),
        faultMs + 10_000,
      );
      const seconds = (performance.now() - startedAt) / 1_000;
      const made = calls() - before;
      process.stderr.write(
        `a gateway that ${name}: ${made} calls in ${seconds.toFixed(1)} s, ${own.length} changes due\n`,
      );
      // Doubling pauses from a quarter of a second to half a minute, a sweep and a task each, and what was under way.
      expect(made).toBeLessThan(
        fault.kind === 'slow'
          ? 8 * (seconds / 5 + 1) + 4
          : 8 + 4 * (Math.log2(seconds * 4 + 1) + seconds / 24 + 2),
      );

      await failing.setAdminFault(undefined);
      await everybodyIs(failing, crossed, false);
      await everybodyIs(failing, restored, true);
    },
  );
});

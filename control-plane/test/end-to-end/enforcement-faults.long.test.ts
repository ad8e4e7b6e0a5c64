import type { AdminFault, StandInGateway } from '../../../stand-in-gateway/src';
import { systemClock } from '../../src/primitives/clock';
import { AccessFixture, type EntitledCustomer } from '../support/access-fixture';
import { cloudEvent } from '../support/cloud-events';
import { isLetIn, startAclGateway } from '../support/kong-fixture';
import { requestJson } from '../support/request-json';
import { type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

/** How long every fault lasts. */
const faultSeconds = Number(process.env.FAULT_SECONDS ?? 60);
const customers = 40;
/** Calls of one gateway that may be under way: the default of a gateway. */
const concurrency = 8;

jest.setTimeout(faultSeconds * 1_000 + 600_000);

/** Pauses double from a quarter of a second to half a minute: so many attempts fit. */
const attempts = Math.ceil(Math.log2(faultSeconds * 4 + 1)) + Math.ceil(faultSeconds / 24) + 2;
/** What was under way when it began to fail, then for each attempt one change and the first call of a sweep. */
const withBackOff = 2 * concurrency + 4 * attempts;

interface FailingGateway {
  name: string;
  driver: 'acl' | 'dbless';
  fault: AdminFault | undefined;
  /** Calls while the fault lasts, at most. */
  mostCalls: number;
}

const failing: readonly FailingGateway[] = [
  { name: 'down', driver: 'acl', fault: { kind: 'down' }, mostCalls: withBackOff },
  {
    name: 'slow',
    driver: 'acl',
    fault: { kind: 'slow', delayMs: 5_000 },
    mostCalls: concurrency * (faultSeconds / 5 + 2),
  },
  { name: 'error-500', driver: 'acl', fault: { kind: 'status', status: 500 }, mostCalls: withBackOff },
  { name: 'error-401', driver: 'acl', fault: { kind: 'status', status: 401 }, mostCalls: withBackOff },
  {
    // It asks for a second; an attempt a second, each a change and the first call of a sweep.
    name: 'error-429',
    driver: 'acl',
    fault: { kind: 'status', status: 429, headers: { 'Retry-After': '1' } },
    mostCalls: 2 * concurrency + 4 * (faultSeconds + 2),
  },
  { name: 'cut-before', driver: 'acl', fault: { kind: 'cut', isApplied: false }, mostCalls: withBackOff },
  { name: 'cut-after', driver: 'acl', fault: { kind: 'cut', isApplied: true }, mostCalls: withBackOff },
  { name: 'dbless-down', driver: 'dbless', fault: { kind: 'down' }, mostCalls: withBackOff },
  { name: 'dbless-500', driver: 'dbless', fault: { kind: 'status', status: 500 }, mostCalls: withBackOff },
  { name: 'healthy', driver: 'acl', fault: undefined, mostCalls: Number.POSITIVE_INFINITY },
];

describe(`gateways that fail for ${faultSeconds} s [${testStorages.at(-1)!.kind}]`, () => {
  let opened: TestDatabase;
  let app: TestApp;
  let fixture: AccessFixture;
  const gateways = new Map<string, StandInGateway>();
  const names = Array.from({ length: customers }, (_, index) => `c-${index}`);
  const entitled = new Map<string, EntitledCustomer>();
  const restored = names.slice(0, customers / 2);
  const crossed = names.slice(customers / 2);

  const cross = async (subject: string): Promise<void> => {
    const response = await app.request('POST', '/api/v1/events', cloudEvent({ subject }), {
      'content-type': 'application/cloudevents+json',
    });
    expect(response.status).toBe(204);
  };
  const wrongAt = async (key: string, out: readonly string[]): Promise<string[]> => {
    const wrong: string[] = [];
    for (const name of names) {
      if ((await isLetIn(gateways.get(key)!, name)) === out.includes(name)) wrong.push(name);
    }
    return wrong;
  };
  const isRightAt = (key: string, out: readonly string[]) =>
    waitUntil(
      `everybody is where they belong at ${key}`,
      async () => (await wrongAt(key, out)).length === 0,
      180_000,
    );
  const callsOf = (key: string): number =>
    Object.values(gateways.get(key)!.stats.adminCalls).reduce((sum, count) => sum + count, 0);

  beforeAll(async () => {
    opened = await testStorages.at(-1)!.open();
    app = await startTestApp(opened.database, { configuration: { sweepIntervalSeconds: 10 } });
    fixture = new AccessFixture(opened.database, systemClock);
    for (const { name, driver } of failing) {
      const gateway = await startAclGateway(driver === 'acl' ? 'postgres' : 'dbless', names);
      gateways.set(name, gateway);
      await requestJson(app, 'POST', '/api/v1/access/gateways', {
        key: name,
        driver: `kong-${driver}`,
        adminUrls: [gateway.adminUrl],
      });
      await requestJson(app, 'POST', '/api/v1/access/policies', {
        feature: 'requests',
        gateway: name,
        leave: ['orders-access'],
      });
    }
    const made = await fixture.entitle(names.map((key) => ({ key, featureKey: 'requests', allowance: 1 })));
    for (const [index, key] of names.entries()) entitled.set(key, made[index]!);
    for (const name of restored) await cross(name);
    for (const { name } of failing) await isRightAt(name, restored);
  });
  afterAll(async () => {
    await app?.stop();
    for (const gateway of gateways.values()) await gateway.close();
    await opened?.drop();
  });

  it('hold up nobody else, are not stormed, and lose no crossing and no reset', async () => {
    const before = new Map(failing.map(({ name }) => [name, callsOf(name)]));
    const startedAt = performance.now();
    const elapsed = (): number => (performance.now() - startedAt) / 1_000;
    for (const { name, fault } of failing) await gateways.get(name)!.setAdminFault(fault);

    // Crossings, grants and resets, spread over the whole time of the faults.
    for (const [index, name] of crossed.entries()) {
      const at = ((index + 1) * faultSeconds * 0.8) / crossed.length;
      await waitUntil('the next crossing', () => elapsed() >= at, faultSeconds * 1_000);
      await cross(name);
      const back = restored[index]!;
      if (index % 2 === 0) await fixture.grant(entitled.get(back)!.entitlementId, 5);
      else {
        const response = await app.request(
          'POST',
          `/api/v1/subjects/${back}/entitlements/requests/reset`,
          {},
          { 'content-type': 'application/json' },
        );
        expect(response.status).toBe(204);
      }
    }
    // All of it has happened at the gateway that works, while the others fail.
    await isRightAt('healthy', crossed);
    const healthyAt = elapsed();
    await waitUntil('the faults have lasted', () => elapsed() >= faultSeconds, faultSeconds * 1_000 + 60_000);

    const seconds = elapsed();
    const made = failing.map(({ name }) => [name, callsOf(name) - before.get(name)!] as const);
    const failed = failing.filter(({ fault }) => fault !== undefined && fault.kind !== 'slow');
    for (const { name } of failed) {
      const { health } = await requestJson<{ health: { status: string } }>(
        app,
        'GET',
        `/api/v1/access/gateways/${name}`,
      );
      expect([name, health.status]).toEqual([name, 'failing']);
    }
    for (const { name } of failing) await gateways.get(name)!.setAdminFault(undefined);
    for (const { name } of failing) await isRightAt(name, crossed);
    process.stderr.write(
      `faults of ${seconds.toFixed(0)} s, ${customers} changes due at each: the healthy gateway was right after ` +
        `${healthyAt.toFixed(1)} s, all others ${(elapsed() - seconds).toFixed(1)} s after the faults ended; calls ` +
        `${made.map(([name, calls]) => `${name} ${calls}`).join(', ')}\n`,
    );
    // A longer run, as on a busy machine, has room for more attempts.
    const stretch = seconds / faultSeconds;
    for (const [index, [name, calls]] of made.entries()) {
      expect([name, calls <= failing[index]!.mostCalls * stretch]).toEqual([name, true]);
    }
  });
});

import type { GatewayDriver, KongConsumer, Membership } from '../../src/enforcement/drivers/gateway-driver';
import { insertGateway } from '../../src/enforcement/gateway-store';
import { savePolicy } from '../../src/enforcement/policy-store';
import { AccessReconciler } from '../../src/enforcement/reconciler';
import { systemClock } from '../../src/primitives/clock';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import type { Database } from '../../src/storage';
import { AccessFixture, type EntitledCustomer } from '../support/access-fixture';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { waitUntil } from '../support/wait-until';

/** A gateway in memory, whose changes of some consumers are not answered until they are let go. */
const heldGateway = (names: readonly string[], absent: string) => {
  const members = new Map(
    names.map((name): [string, Membership] => [name, name === absent ? 'absent' : 'member']),
  );
  const calls = { snapshot: 0, find: 0, read: 0 };
  const consumers = names.map(
    (name): KongConsumer => ({ id: name, username: name, customId: null, tags: [] }),
  );
  const held = new Map<string, () => void>();
  const toHold = new Set<string>();
  const read = (list: readonly KongConsumer[]) =>
    list.map((consumer) => ({ consumer, groups: { gold: members.get(consumer.id)! } }));
  const driver: GatewayDriver = {
    limits: { concurrency: 2, batch: 32, isOneCall: false },
    readyInMs: () => 0,
    probe: async () => ({ version: null, edition: 'oss', database: null, nodes: 1 }),
    snapshot: async () => {
      calls.snapshot += 1;
      return read(consumers);
    },
    find: async (keys) => {
      calls.find += keys.length;
      return consumers.filter(({ id }) => keys.includes(id));
    },
    read: async (list) => {
      calls.read += list.length;
      return read(list);
    },
    change: async (changes) => {
      for (const { consumer, action } of changes) {
        if (toHold.has(consumer.id)) await new Promise<void>((resolve) => held.set(consumer.id, resolve));
        members.set(consumer.id, action === 'add' ? 'member' : 'absent');
      }
      return changes.map(() => ({ outcome: 'done', answer: 'DELETE 204' }));
    },
  };
  return {
    driver,
    calls,
    isIn: (name: string) => members.get(name) === 'member',
    hold: (name: string) => toHold.add(name),
    isHeld: (name: string) => held.has(name),
    letGo: (name: string) => held.get(name)?.(),
  };
};

/** The database, with the statements that were sent over it. */
const listening = (database: Database, sent: string[]): Database => ({
  ...database,
  query: (text, values) => {
    sent.push(text);
    return database.query(text, values);
  },
});

describeOnEachStorage('the lane of a gateway', (storage) => {
  const sent: string[] = [];
  const newId = createIdentifierSource(systemClock);
  const crowd = Array.from({ length: 100 }, (_, index) => `crowd-${index}`);
  const gateway = heldGateway(['a', 'b', ...crowd], 'crowd-7');
  /** How much later it is for the reconciler than for those who cause changes, milliseconds. */
  let aheadMs = 0;
  const customers = new Map<string, EntitledCustomer>();
  let opened: TestDatabase;
  let reconciler: AccessReconciler;
  let fixture: AccessFixture;

  const dueCustomers = async (): Promise<string[]> => {
    const { rows } = await opened.database.query<{ key: string }>(
      'SELECT c.key FROM access_state s JOIN customer c ON c.id = s.customer_id WHERE s.due_at IS NOT NULL',
    );
    return rows.map(({ key }) => key);
  };

  beforeAll(async () => {
    opened = await storage.open();
    const now = systemClock.now();
    const ids = { gatewayId: newId(), createdAt: now, updatedAt: now };
    const settings = {
      adminUrls: ['http://127.0.0.1:9'],
      token: null,
      workspace: null,
      controlPlaneId: null,
      timeoutMs: 1_000,
      concurrency: 8,
    };
    await insertGateway(opened.database, {
      ...ids,
      id: ids.gatewayId,
      key: 'edge',
      name: 'edge',
      driver: 'kong-acl',
      settings,
    });
    await savePolicy(opened.database, {
      ...ids,
      id: newId(),
      featureKey: 'requests',
      leave: ['gold'],
      join: [],
      mode: 'enforce',
    });
    fixture = new AccessFixture(opened.database, systemClock);
    const made = await fixture.entitle(['a', 'b'].map((key) => ({ key, featureKey: 'requests' })));
    for (const [index, key] of ['a', 'b'].entries()) customers.set(key, made[index]!);
    reconciler = new AccessReconciler({
      database: listening(opened.database, sent),
      newId,
      drivers: { 'kong-acl': () => gateway.driver },
      secretOf: () => undefined,
      logRetentionMs: undefined,
      holder: 'test',
      sweepIntervalMs: 3_600_000,
      random: () => 0,
      now: () => systemClock.now() + aheadMs,
      log: { info: () => undefined, warn: () => undefined },
    });
    reconciler.start();
    await waitUntil('both were seen', async () => (await dueCustomers()).length === 0);
  });
  afterAll(async () => {
    gateway.letGo('a');
    await reconciler?.stop();
    await opened?.drop();
  });

  it('goes on with others while a change is under way, and does not ask when the next is due: its end wakes it', async () => {
    gateway.hold('a');
    await fixture.remove(customers.get('a')!.entitlementId);
    await waitUntil('the first change is under way', () => gateway.isHeld('a'));
    sent.length = 0;
    await fixture.remove(customers.get('b')!.entitlementId);
    await waitUntil('the second change is made', async () => (await dueCustomers()).join() === 'a');
    expect([gateway.isIn('a'), gateway.isIn('b')]).toEqual([true, false]);
    expect(sent.filter((text) => text.includes('min(due_at)'))).toEqual([]);
    gateway.letGo('a');
    await waitUntil('the first change is made', async () => (await dueCustomers()).length === 0);
    expect(gateway.isIn('a')).toBe(false);
  });

  it('reads the gateway as a whole for many customers that it knows nothing of', async () => {
    aheadMs += 2_000;
    Object.assign(gateway.calls, { snapshot: 0, find: 0, read: 0 });
    await fixture.entitle(crowd.map((key) => ({ key, featureKey: 'requests' })));
    await waitUntil('all were seen', async () => (await dueCustomers()).length === 0);
    expect(gateway.calls).toEqual({ snapshot: 1, find: 0, read: 0 });
    expect(crowd.filter((name) => !gateway.isIn(name))).toEqual([]);
  });
});

import type { ChangeAnswer, GatewayDriver, KongConsumer } from '../../src/enforcement/drivers/gateway-driver';
import { GatewayError, type GatewayErrorCode } from '../../src/enforcement/drivers/gateway-error';
import { waitUntil } from '../support/wait-until';
import type { DriverTarget } from './driver-target';
import { realKongFromEnvironment, startRealKong } from './real-kong-targets';
import { standInTargets } from './stand-in-targets';

const real = realKongFromEnvironment();

if (process.env.REQUIRE_KONG && !real) {
  it('runs against a real Kong', () => {
    throw new Error('set KONG_ADMIN_URL and KONG_PROXY_URL to a Kong that may be used for tests');
  });
}
if (!process.env.REQUIRE_KONG && !real) {
  process.stderr.write(
    'gateway drivers: the half on a real Kong is left out, KONG_ADMIN_URL and KONG_PROXY_URL are not set\n',
  );
}

const targets = [
  ...standInTargets,
  ...(real ? [{ name: 'a real Kong', start: () => startRealKong(real) }] : []),
];

const codeOf = async (call: Promise<unknown>): Promise<GatewayErrorCode | 'none'> => {
  try {
    await call;
    return 'none';
  } catch (error) {
    if (error instanceof GatewayError) return error.code;
    throw error;
  }
};

describe.each(targets)('the driver of $name', ({ start }) => {
  let target: DriverTarget;
  let driver: GatewayDriver;
  let first: KongConsumer;
  let second: KongConsumer;

  beforeAll(async () => {
    target = await start();
    driver = target.open();
    [first] = (await driver.find([target.names.first])) as [KongConsumer];
    [second] = (await driver.find([target.names.second])) as [KongConsumer];
  });
  afterAll(() => target?.close());
  afterEach(() => target.setFault?.(undefined));

  const ready = () => waitUntil('the driver takes changes', () => driver.readyInMs() === 0);
  const change = async (consumer: KongConsumer, group: string, action: 'add' | 'remove') => {
    await ready();
    return (await driver.change([{ consumer, group, action }]))[0]!;
  };
  const isIn = async (consumer: KongConsumer, group = target.names.group) =>
    (await driver.read([consumer], [group]))[0]?.groups[group];
  const isRefused = (name: string, isExpected: boolean) =>
    waitUntil(`${name} is ${isExpected ? '' : 'not '}refused`, async () =>
      (await target.request(name)).every((status) => (status === 403) === isExpected),
    );

  it('says what it is connected to', async () => {
    const probe = await driver.probe();
    expect(['oss', 'enterprise', 'konnect']).toContain(probe.edition);
    expect(probe.nodes).toBeGreaterThan(0);
  });

  it('lists every consumer with its memberships of the groups asked for', async () => {
    const { group, otherGroup } = target.names;
    const all = await driver.snapshot([group, otherGroup]);
    const own = all.filter(({ consumer }) => [first.id, second.id].includes(consumer.id));
    expect(own.map(({ groups }) => groups)).toEqual([
      { [group]: 'member', [otherGroup]: 'absent' },
      { [group]: 'member', [otherGroup]: 'absent' },
    ]);
  });

  it('finds a consumer by username, custom_id and consumer:<id>, and nobody by a key that is no one’s', async () => {
    const { first: name } = target.names;
    const byCustomId = await driver.find([`custom-${name}`]);
    const byId = await driver.find([`consumer:${first.id}`]);
    expect([first.username, byCustomId[0]?.id, byId[0]?.id]).toEqual([name, first.id, first.id]);
    expect(await driver.find(['nobody', 'consumer:', 'a/b?c=d#e', '../consumers', ''])).toEqual([]);
  });

  it('takes a consumer out of a group and puts it back, and leaves the others where they are', async () => {
    const { group } = target.names;
    expect(await change(first, group, 'remove')).toMatchObject({ outcome: 'done' });
    expect([await isIn(first), await isIn(second)]).toEqual(['absent', 'member']);
    await isRefused(target.names.first, true);
    await isRefused(target.names.second, false);
    expect(await change(first, group, 'add')).toMatchObject({ outcome: 'done' });
    expect(await isIn(first)).toBe('member');
    await isRefused(target.names.first, false);
  });

  it('succeeds when there is nothing to do', async () => {
    const { group, otherGroup } = target.names;
    const repeated: ChangeAnswer[] = [
      await change(first, group, 'add'),
      await change(first, otherGroup, 'remove'),
    ];
    expect(repeated.map(({ outcome }) => outcome)).not.toContain('failed');
    expect([await isIn(first), await isIn(first, otherGroup)]).toEqual(['member', 'absent']);
  });

  it('makes the other changes of a call when one consumer is missing', async () => {
    const { group, otherGroup } = target.names;
    const ghost = { ...first, id: crypto.randomUUID(), username: 'ghost', customId: null };
    await ready();
    const [missing, made] = await driver.change([
      { consumer: ghost, group, action: 'add' },
      { consumer: second, group: otherGroup, action: 'add' },
    ]);
    expect(missing).toMatchObject({ outcome: 'failed', error: { code: 'consumer_missing' } });
    expect(made).toMatchObject({ outcome: 'done' });
    expect(await isIn(second, otherGroup)).toBe('member');
    await change(second, otherGroup, 'remove');
    expect((await driver.read([ghost, second], [group])).map(({ consumer }) => consumer.id)).toEqual([
      second.id,
    ]);
  });

  it('says that a group is missing where groups have to exist', async () => {
    const outcome = await change(first, 'no-such-group', 'add');
    if (target.groupsExist) {
      expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'group_missing' } });
      expect((await driver.snapshot(['no-such-group']))[0]!.groups).toEqual({ 'no-such-group': 'absent' });
    } else {
      expect(outcome).toMatchObject({ outcome: 'done' });
      expect(await change(first, 'no-such-group', 'remove')).toMatchObject({ outcome: 'done' });
    }
  });

  it('tells failures of the gateway from failures of a change', async () => {
    if (!target.setFault) {
      // A real Kong is not made to fail; what can be shown on it is that nobody answers elsewhere.
      expect(await codeOf(target.open({ timeoutMs: 1 }).snapshot(['x']))).toMatch(/slow|unreachable|none/);
      return;
    }
    const { group } = target.names;
    const patient = target.open({ timeoutMs: 20_000 });
    const impatient = target.open({ timeoutMs: 200 });
    const faults = [
      [{ kind: 'down' }, 'unreachable'],
      [{ kind: 'cut', isApplied: false }, 'unreachable'],
      [{ kind: 'cut', isApplied: true }, 'unreachable'],
      [{ kind: 'slow', delayMs: 5_000 }, 'slow'],
      [{ kind: 'status', status: 500 }, 'failing'],
      [{ kind: 'status', status: 401 }, 'unauthorized'],
      [{ kind: 'status', status: 403 }, 'unauthorized'],
      [{ kind: 'status', status: 429, headers: { 'Retry-After': '7' } }, 'rate_limited'],
    ] as const;
    for (const [fault, code] of faults) {
      await target.setFault(fault);
      const changes = [{ consumer: first, group, action: 'add' as const }];
      // Only slowness is found by running out of patience: a busy machine must not pass for another fault.
      const asked = code === 'slow' ? impatient : patient;
      expect([fault, await codeOf(asked.change(changes))]).toEqual([fault, code]);
      expect([fault, await codeOf(asked.snapshot([group]))]).toEqual([fault, code]);
    }
    await target.setFault({ kind: 'status', status: 429, headers: { 'Retry-After': '7' } });
    await expect(patient.probe()).rejects.toMatchObject({ retryAfterMs: 7_000, concernsGateway: true });
  });
});

describe.each(standInTargets.filter(({ name }) => /groups|konnect/.test(name)))(
  'a wrong token at $name',
  ({ start }) => {
    it('is told as such, without the token', async () => {
      const target = await start();
      try {
        const refused = target.open({ token: 'wrong-secret' }).snapshot([target.names.group]);
        await expect(refused).rejects.toMatchObject({ code: 'unauthorized' });
        await expect(refused).rejects.not.toThrow(/wrong-secret/);
      } finally {
        await target.close();
      }
    });
  },
);

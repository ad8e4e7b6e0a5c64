import type { StandInGateway } from '../../../stand-in-gateway/src';
import { systemClock } from '../../src/primitives/clock';
import { AccessFixture } from '../support/access-fixture';
import { cloudEvent } from '../support/cloud-events';
import { readEventStream } from '../support/event-stream';
import { isLetIn, startAclGateway } from '../support/kong-fixture';
import { requestJson } from '../support/request-json';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

jest.setTimeout(60_000);

const batchType = { 'content-type': 'application/cloudevents-batch+json' };

interface Activity {
  id: string;
  at: string;
  kind: string;
  group: string;
  customerKey: string | null;
  feature: string;
  what: string;
  consequence: string | null;
}

interface ActivityPage {
  items: Activity[];
  nextCursor: string | null;
}

describeOnEachStorage('the overview', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let fixture: AccessFixture;
  let gateway: StandInGateway;

  const json = <T = unknown>(method: string, path: string, body?: unknown) =>
    requestJson<T>(app, method, path, body);
  const use = (subject: string, count: number) =>
    app.request(
      'POST',
      '/api/v1/events',
      Array.from({ length: count }, () => cloudEvent({ subject })),
      batchType,
    );
  const activity = (query = '') => json<ActivityPage>('GET', `/api/v1/overview/activity?limit=50${query}`);

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    fixture = new AccessFixture(opened.database, systemClock);
    gateway = await startAclGateway('postgres', ['acme', 'globex', 'initech']);
    await json('POST', '/api/v1/access/gateways', {
      key: 'kong',
      driver: 'kong-acl',
      adminUrls: [gateway.adminUrl],
    });
    await json('POST', '/api/v1/access/policies', {
      feature: 'requests',
      gateway: 'kong',
      leave: ['orders-access'],
    });
    const channel = await json<{ id: string }>('POST', '/api/v1/notification/channels', {
      type: 'WEBHOOK',
      name: 'nowhere',
      url: 'https://webhooks.invalid/tollgate',
    });
    for (const name of ['first', 'second']) {
      await json('POST', '/api/v1/notification/rules', {
        type: 'entitlements.balance.threshold',
        name,
        channels: [channel.id],
        thresholds: [
          { type: 'usage_percentage', value: 80 },
          { type: 'usage_percentage', value: 100 },
        ],
      });
    }
  });
  afterAll(async () => {
    await app?.stop();
    await gateway?.close();
    await opened?.drop();
  });

  const isLet = (name: string, expected: boolean) =>
    waitUntil(
      `${name} is ${expected ? 'in' : 'out'}`,
      async () => (await isLetIn(gateway, name)) === expected,
    );

  it('tells in words what happened, the limit and its cut-off as one thing, and each line once', async () => {
    const stream = await readEventStream(`${app.url}/api/v1/overview/activity/stream`, app.token);
    expect([stream.status, stream.contentType]).toEqual([200, 'text/event-stream']);
    const [acme] = await fixture.entitle([{ key: 'acme', featureKey: 'requests', allowance: 1_000 }]);
    await use('acme', 800);
    await use('acme', 200);
    await isLet('acme', false);
    await waitUntil('the cut-off is told', async () =>
      (await activity()).items.some(({ kind }) => kind === 'cut_off'),
    );
    await fixture.grant(acme!.entitlementId, 500);
    await isLet('acme', true);
    await waitUntil('the return is told', async () =>
      (await activity()).items.some(({ kind }) => kind === 'restored'),
    );

    const { items, nextCursor } = await activity();
    expect(nextCursor).toBeNull();
    expect(items.map(({ kind, what }) => [kind, what])).toEqual([
      ['restored', 'was granted more of requests'],
      ['cut_off', 'reached 100 % of requests (1,000)'],
      ['warned', 'reached 80 % of requests (1,000)'],
    ]);
    expect(items[1]!.consequence).toMatch(/^out of orders-access in [\d,]+ ms$/);
    expect(items[0]!.consequence).toMatch(/^back in orders-access in [\d,]+ ms$/);
    expect(items.every(({ customerKey, feature }) => customerKey === 'acme' && feature === 'requests')).toBe(
      true,
    );

    await stream.until('all of it was streamed', (received) =>
      ['warned', 'cut_off', 'restored'].every((kind) => received.some(({ data }) => data.kind === kind)),
    );
    // A limit that was told before its cut-off was known is recognised by its group.
    const cutOff = stream.events.find(({ data }) => data.kind === 'cut_off')!;
    for (const { data } of stream.events.filter((received) => received.data.kind === 'reached')) {
      expect(data.group).toBe(cutOff.data.group);
    }
    expect(new Set(stream.events.map(({ id }) => id)).size).toBe(stream.events.length);
    await stream.close();
  });

  it('pages through what happened without leaving anything out or telling it twice', async () => {
    const all = (await activity()).items.map(({ id }) => id);
    const paged: string[] = [];
    let cursor: string | null = null;
    do {
      const page: ActivityPage = await json(
        'GET',
        `/api/v1/overview/activity?limit=1${cursor ? `&cursor=${cursor}` : ''}`,
      );
      paged.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor);
    expect(paged).toEqual(all);
    expect((await activity('&customer=acme')).items).toHaveLength(all.length);
    expect((await activity('&customer=globex')).items).toEqual([]);
    expect((await activity('&feature=other')).items).toEqual([]);
  });

  it('says that somebody else put a consumer back, and that it is out again', async () => {
    await fixture.entitle([{ key: 'initech', featureKey: 'requests', allowance: 1 }]);
    await use('initech', 1);
    await isLet('initech', false);
    await fetch(`${gateway.adminUrl}/consumers/initech/acls`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ group: 'orders-access' }),
    });
    // A process that starts sweeps at once.
    await app.stop();
    const replica = await startTestApp(opened.database, { configuration: { sweepIntervalSeconds: 1 } });
    try {
      await waitUntil(
        'the drift is repaired',
        async () => {
          const page = await requestJson<ActivityPage>(
            replica,
            'GET',
            '/api/v1/overview/activity?customer=initech',
          );
          return page.items.some(
            ({ kind, what, consequence }) =>
              kind === 'drift_repaired' &&
              what === 'initech had been put back in by somebody else' &&
              /^out again of orders-access in [\d,]+ ms$/.test(consequence ?? ''),
          );
        },
        30_000,
      );
    } finally {
      await replica.stop();
      app = await startTestApp(opened.database);
    }
  });

  it('counts traffic, who is out, crossings and deliveries that fail, and shows the health of gateways', async () => {
    interface Overview {
      events: { perMinute: number; minutes: { events: number }[] };
      access: { customersOut: number; in: number; out: number; pending: number; failing: number };
      crossings: { count: number };
      deliveries: { retrying: number; failed: number };
      gateways: { key: string; status: string; version: string | null }[];
    }
    const overview = () => json<Overview>('GET', '/api/v1/overview');
    await waitUntil('the figures are there', async () => {
      const { access, deliveries, gateways } = await overview();
      return access.customersOut === 1 && deliveries.retrying > 0 && gateways[0]!.status === 'healthy';
    });
    const figures = await overview();
    expect(figures.events.minutes).toHaveLength(60);
    expect(figures.access).toMatchObject({ in: 1, out: 1, pending: 0, failing: 0, customersOut: 1 });
    // acme's 80 and 100 %, initech's 80 and 100 % at once; the second rule drew the same lines.
    expect(figures.crossings.count).toBe(4);
    expect(figures.gateways).toMatchObject([{ key: 'kong', status: 'healthy' }]);
    expect(figures.gateways[0]!.version).toEqual(expect.any(String));
    const counts = await json('GET', '/api/v1/access/states/counts');
    expect(counts).toMatchObject({ in: 1, out: 1, customersOut: 1 });
    expect(await json('GET', '/api/v1/access/states/counts?search=acme')).toMatchObject({ in: 1, out: 0 });
    const refused = await app.request('GET', '/api/v1/overview?crossingsSince=yesterday');
    expect(refused.status).toBe(400);
  });

  it('lists states whose access changed last first, page by page', async () => {
    interface States {
      items: { customerKey: string; since: string }[];
      nextCursor: string | null;
    }
    const keys: string[] = [];
    const times: string[] = [];
    let cursor: string | null = null;
    do {
      const page: States = await json(
        'GET',
        `/api/v1/access/states?order=newest&limit=1${cursor ? `&cursor=${cursor}` : ''}`,
      );
      keys.push(...page.items.map(({ customerKey }) => customerKey));
      times.push(...page.items.map(({ since }) => since));
      cursor = page.nextCursor;
    } while (cursor);
    expect([...keys].sort()).toEqual(['acme', 'initech']);
    expect(times).toEqual([...times].sort().reverse());
  });

  it('ends live views when the process stops', async () => {
    const replica = await startTestApp(opened.database);
    const streams = [
      await readEventStream(`${replica.url}/api/v1/overview/activity/stream`, replica.token),
      await readEventStream(`${replica.url}/api/v1/events/stream`, replica.token),
    ];
    await replica.stop();
    for (const stream of streams) await stream.ended;
  });
});

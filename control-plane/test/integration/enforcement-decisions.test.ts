import type { StandInGateway } from '../../../stand-in-gateway/src';
import { systemClock } from '../../src/primitives/clock';
import { AccessFixture } from '../support/access-fixture';
import { cloudEvent } from '../support/cloud-events';
import { isLetIn, startAclGateway } from '../support/kong-fixture';
import { requestJson } from '../support/request-json';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const batchType = { 'content-type': 'application/cloudevents-batch+json' };

interface LogItem {
  id: string;
  consumer: string | null;
  access: string;
  outcome: string;
  cause: string;
  reason: string;
  feature: string;
  durationMs: number;
  changes: { group: string; action: string; answer: string }[];
}

interface StateItem {
  customerId: string;
  customerKey: string;
  feature: string;
  wanted: string;
  observed: string;
  status: string;
  cause: string;
  errorCode: string | null;
}

describeOnEachStorage('access decisions', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let fixture: AccessFixture;
  let gateway: StandInGateway;

  const names = ['held', 'allowed', 'drifter', 'watched', 'joiner', 'late', 'limited', 'plain', 'gone'];

  const json = <T = unknown>(method: string, path: string, body?: unknown) =>
    requestJson<T>(app, method, path, body);
  const logOf = async (customer: string, query = '') =>
    (await json<{ items: LogItem[] }>('GET', `/api/v1/access/log?customer=${customer}${query}`)).items;
  const stateOf = async (customerId: string, feature: string) =>
    (
      await json<{ items: StateItem[] }>(
        'GET',
        `/api/v1/access/states?customerId=${customerId}&feature=${feature}`,
      )
    ).items[0];
  const use = (subject: string, count: number) =>
    app.request(
      'POST',
      '/api/v1/events',
      Array.from({ length: count }, () => cloudEvent({ subject })),
      batchType,
    );
  const admin = (method: string, path: string, body?: unknown) =>
    fetch(`${gateway.adminUrl}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  const groupsOf = async (name: string): Promise<string[]> => {
    const answer = await admin('GET', `/consumers/${name}/acls`);
    const { data } = (await answer.json()) as { data: { group: string }[] };
    return data.map(({ group }) => group).sort();
  };
  const isIn = (name: string, expected: boolean) =>
    waitUntil(
      `${name} is ${expected ? 'in' : 'out'}`,
      async () => (await isLetIn(gateway, name)) === expected,
    );
  const settled = (customerId: string, feature: string, status: string) =>
    waitUntil(`${feature} of the customer is ${status}`, async () => {
      return (await stateOf(customerId, feature))?.status === status;
    });

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { configuration: { sweepIntervalSeconds: 1 } });
    fixture = new AccessFixture(opened.database, systemClock);
    gateway = await startAclGateway('postgres', names);
    await json('POST', '/api/v1/access/gateways', {
      key: 'edge',
      driver: 'kong-acl',
      adminUrls: [gateway.adminUrl],
    });
    const policies = [
      { feature: 'requests', leave: ['orders-access'] },
      { feature: 'watching', leave: ['orders-access'], mode: 'observe' },
      { feature: 'joining', leave: ['orders-access'], join: ['over-quota'] },
    ];
    for (const policy of policies)
      await json('POST', '/api/v1/access/policies', { gateway: 'edge', ...policy });
  });
  afterAll(async () => {
    await app?.stop();
    await gateway?.close();
    await opened?.drop();
  });

  it('keeps a customer on hold out whatever its entitlement says, until the hold ends', async () => {
    const [held] = await fixture.entitle([{ key: 'held', featureKey: 'requests', allowance: 100 }]);
    await settled(held!.customerId, 'requests', 'in');
    const hold = await json<{ id: string }>('POST', '/api/v1/access/holds', {
      customer: 'held',
      kind: 'hold',
      reason: 'unpaid invoice 17',
    });
    await isIn('held', false);
    await settled(held!.customerId, 'requests', 'out');
    expect(await stateOf(held!.customerId, 'requests')).toMatchObject({ wanted: 'out', observed: 'out' });
    await json('DELETE', `/api/v1/access/holds/${hold.id}`);
    await isIn('held', true);
    await settled(held!.customerId, 'requests', 'in');
    expect((await logOf('held')).slice(0, 2)).toMatchObject([
      { access: 'in', cause: 'hold_ended', reason: 'entitled', outcome: 'done' },
      { access: 'out', cause: 'hold', reason: 'hold', outcome: 'done' },
    ]);
  });

  it('keeps an allowed customer in beyond its allowance, and a hold with an end ends by itself', async () => {
    const [allowed] = await fixture.entitle([{ key: 'allowed', featureKey: 'requests', allowance: 1 }]);
    await use('allowed', 1);
    await settled(allowed!.customerId, 'requests', 'out');
    await json('POST', '/api/v1/access/holds', {
      customer: 'allowed',
      feature: 'requests',
      kind: 'allow',
      reason: 'goodwill',
      endsAt: new Date(Date.now() + 2_500).toISOString(),
    });
    await isIn('allowed', true);
    await waitUntil(
      'the log tells that the allowance ended',
      async () => (await logOf('allowed')).length === 3,
    );
    await isIn('allowed', false);
    expect((await logOf('allowed'))[0]).toMatchObject({ cause: 'allow_ended', reason: 'not_entitled' });
  });

  it('puts a consumer that came back by other hands out again within one sweep, and calls it drift', async () => {
    const [drifter] = await fixture.entitle([{ key: 'drifter', featureKey: 'requests', allowance: 1 }]);
    await use('drifter', 1);
    await settled(drifter!.customerId, 'requests', 'out');
    await admin('PUT', '/consumers/drifter/acls/orders-access', {});
    await waitUntil('the log tells of drift', async () =>
      (await logOf('drifter')).some(({ cause }) => cause === 'drift'),
    );
    expect((await logOf('drifter'))[0]).toMatchObject({ access: 'out', outcome: 'done', cause: 'drift' });
    await isIn('drifter', false);
  });

  it('observes without changing anything, and says once what it would do', async () => {
    const [watched] = await fixture.entitle([{ key: 'watched', featureKey: 'watching', allowance: 1 }]);
    await use('watched', 3);
    await waitUntil('the log tells what would be done', async () => (await logOf('watched')).length > 0);
    const swept = async () =>
      (await json<{ sweptAt: string | null }>('GET', '/api/v1/access/gateways/edge')).sweptAt;
    const before = await swept();
    await waitUntil('a sweep went by', async () => (await swept()) !== before);
    expect(await logOf('watched')).toMatchObject([
      {
        access: 'out',
        outcome: 'would',
        changes: [{ group: 'orders-access', action: 'remove' }],
      },
    ]);
    expect(await groupsOf('watched')).toEqual(['orders-access']);
    expect(await stateOf(watched!.customerId, 'watching')).toMatchObject({ wanted: 'out', observed: 'in' });
  });

  it('joins the groups for the cut off, and leaves them when access comes back', async () => {
    const [joiner] = await fixture.entitle([{ key: 'joiner', featureKey: 'joining', allowance: 1 }]);
    await use('joiner', 1);
    await settled(joiner!.customerId, 'joining', 'out');
    expect(await groupsOf('joiner')).toEqual(['over-quota']);
    await fixture.grant(joiner!.entitlementId, 1);
    await settled(joiner!.customerId, 'joining', 'in');
    expect(await groupsOf('joiner')).toEqual(['orders-access']);
  });

  it('says that a consumer is missing, and takes it out as soon as it is there', async () => {
    const [missing] = await fixture.entitle([{ key: 'missing', featureKey: 'requests', allowance: 1 }]);
    await use('missing', 1);
    await settled(missing!.customerId, 'requests', 'failing');
    expect(await stateOf(missing!.customerId, 'requests')).toMatchObject({ errorCode: 'consumer_missing' });
    await admin('POST', '/consumers', { username: 'missing' });
    await admin('PUT', '/consumers/missing/acls/orders-access', {});
    await settled(missing!.customerId, 'requests', 'out');
    expect(await groupsOf('missing')).toEqual([]);
  });

  it('takes a consumer out whose customer was deleted', async () => {
    const [gone] = await fixture.entitle([{ key: 'gone', featureKey: 'requests' }]);
    await settled(gone!.customerId, 'requests', 'in');
    await fixture.removeCustomer(gone!);
    await isIn('gone', false);
  });

  it('applies a new policy to entitlements that were there before it', async () => {
    const [late] = await fixture.entitle([{ key: 'late', featureKey: 'unpoliced', allowance: 1 }]);
    await use('late', 1);
    const policy = await json<{ id: string }>('POST', '/api/v1/access/policies', {
      feature: 'unpoliced',
      gateway: 'edge',
      leave: ['orders-access'],
    });
    await isIn('late', false);
    await settled(late!.customerId, 'unpoliced', 'out');
    await json('DELETE', `/api/v1/access/policies/${policy.id}`);
    await fixture.grant(late!.entitlementId, 5);
    expect(await groupsOf('late')).toEqual([]);
  });

  it('streams new entries of the log, from the last one that was seen', async () => {
    const abort = new AbortController();
    const open = (after?: string) =>
      fetch(`${app.url}/api/v1/access/stream`, {
        headers: { authorization: `Bearer ${app.token}`, ...(after ? { 'last-event-id': after } : {}) },
        signal: abort.signal,
      });
    const live = await open();
    expect(live.headers.get('content-type')).toBe('text/event-stream');
    await fixture.entitle([{ key: 'limited', featureKey: 'requests', allowance: 1 }]);
    await use('limited', 1);
    const text = await readUntil(live, /"consumer":"limited".*\n\n/);
    expect(text).toMatch(/event: log\ndata: \{/);
    const [first, ...rest] = (await logOf('limited')).reverse();
    expect(rest.length).toBe(0);
    const before = (await json<{ items: LogItem[] }>('GET', '/api/v1/access/log?limit=1000')).items;
    const previous = before[before.findIndex(({ id }) => id === first!.id) + 1]!;
    const resumed = await readUntil(await open(previous.id), /"consumer":"limited".*\n\n/);
    expect(resumed).toContain(`id: ${first!.id}`);
    abort.abort();
  });

  it('pages through the board and the log by cursors, without gaps', async () => {
    const all = (await json<{ items: StateItem[] }>('GET', '/api/v1/access/states?limit=1000')).items;
    const paged: StateItem[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { items: StateItem[]; nextCursor: string | null } = await json(
        'GET',
        `/api/v1/access/states?limit=2${cursor ? `&cursor=${cursor}` : ''}`,
      );
      paged.push(...page.items);
      cursor = page.nextCursor;
    }
    const keys = (items: StateItem[]) => items.map(({ customerId, feature }) => `${customerId} ${feature}`);
    expect(keys(paged)).toEqual(keys(all));
    expect(all.length).toBeGreaterThan(5);
    const outs = await json<{ items: StateItem[] }>('GET', '/api/v1/access/states?status=out&search=DRIFT');
    expect(outs.items.map(({ customerKey }) => customerKey)).toEqual(['drifter']);
  });

  it.each([
    ['a secret in the open', { token: 'kpat_secret' }, '$.token'],
    ['a secret that is not for gateways', { token: '$' + '{env:DATABASE_URL}' }, '$.token'],
    ['credentials in the address', { adminUrls: ['http://me:secret@kong:8001'] }, '$.adminUrls[0]'],
    ['an address that is none', { adminUrls: ['kong:8001'] }, '$.adminUrls[0]'],
    ['several nodes of one database', { adminUrls: ['http://a', 'http://b'] }, '$.adminUrls'],
    ['Konnect without its control plane', { driver: 'konnect' }, '$.controlPlaneId'],
  ])('refuses %s and names the field', async (_, change, field) => {
    const response = await app.request('POST', '/api/v1/access/gateways', {
      key: 'refused',
      driver: 'kong-acl',
      adminUrls: ['http://127.0.0.1:1'],
      ...change,
    });
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text).not.toMatch(/kpat_secret|me:secret/);
    expect(JSON.parse(text)).toMatchObject({ extensions: { validationErrors: [{ field }] } });
  });

  it('refuses policies without groups, twice the same, and for unknown gateways, and keeps gateways in use', async () => {
    const post = async (body: unknown) => (await app.request('POST', '/api/v1/access/policies', body)).status;
    expect([
      await post({ feature: 'f', gateway: 'edge' }),
      await post({ feature: 'f', gateway: 'edge', leave: ['a'], join: ['a'] }),
      await post({ feature: 'requests', gateway: 'edge', leave: ['a'] }),
      await post({ feature: 'f', gateway: 'nowhere', leave: ['a'] }),
      (await app.request('DELETE', '/api/v1/access/gateways/edge')).status,
    ]).toEqual([400, 400, 409, 404, 409]);
  });
});

/** Reads a stream until the text matches. */
const readUntil = async (response: Response, pattern: RegExp): Promise<string> => {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (pattern.test(text)) return text;
  }
  throw new Error(`the stream ended: ${text}`);
};

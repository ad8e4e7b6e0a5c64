import { type StandInGateway, type StandInGatewayOptions, startStandInGateway } from '../src/index';
import { startUpstream } from './support/upstream-server';

const entities = (port: number) => `
_format_version: "3.0"
services:
- name: s
  url: http://127.0.0.1:${port}
  routes: [{name: r, paths: [/api]}]
  plugins:
  - {name: key-auth}
  - {name: acl, config: {allow: [metered], include_consumer_groups: true}}
consumers:
- {username: ann, keyauth_credentials: [{key: ann-key}]}
- {username: bea, keyauth_credentials: [{key: bea-key}]}
consumer_groups: [{name: metered}, {name: 0-over-quota}, {name: 1-slow}]
consumer_group_consumers: [{consumer_group: metered, consumer: ann}]
plugins:
- {name: request-termination, consumer_group: 1-slow, config: {status_code: 429, message: Slow down}}
- {name: request-termination, consumer_group: 0-over-quota, config: {status_code: 402, message: Pay first}}
`;

interface Answer {
  status: number;
  body: unknown;
}

type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

async function withGateway(
  options: StandInGatewayOptions,
  run: (call: Call, gateway: StandInGateway, proxied: (key: string) => Promise<number>) => Promise<void>,
): Promise<void> {
  const upstream = await startUpstream();
  const gateway = await startStandInGateway({
    config: entities(upstream.port),
    propagationMs: 0,
    ...options,
  });
  const call: Call = async (method, path, body, headers = {}) => {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const sent = { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const answer = await fetch(gateway.adminUrl + path, { method, headers: sent, ...json });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  try {
    await run(call, gateway, async (key) => (await fetch(`${gateway.proxyUrl}/api?apikey=${key}`)).status);
  } finally {
    await gateway.close();
    await upstream.close();
  }
}

const enterprise: StandInGatewayOptions = { edition: 'enterprise' };

test('membership calls answer as Kong Enterprise does and open and close the gate', async () => {
  await withGateway(enterprise, async (call, _gateway, proxied) => {
    expect([await proxied('ann-key'), await proxied('bea-key')]).toEqual([200, 403]);
    const added = await call('POST', '/consumer_groups/metered/consumers', { consumer: 'bea' });
    expect(added).toMatchObject({
      status: 201,
      body: { consumer_group: { name: 'metered' }, consumers: [{ username: 'bea' }] },
    });
    expect(await proxied('bea-key')).toBe(200);
    const { id } = (added.body as { consumer_group: { id: string } }).consumer_group;
    expect(await call('POST', '/consumer_groups/metered/consumers', { consumer: 'bea' })).toEqual({
      status: 409,
      body: { message: `Consumer 'bea' already in group '${id}'` },
    });
    expect(await call('DELETE', '/consumer_groups/metered/consumers/bea')).toEqual({
      status: 204,
      body: undefined,
    });
    expect(await proxied('bea-key')).toBe(403);
    expect(await call('DELETE', '/consumer_groups/metered/consumers/bea')).toEqual({
      status: 404,
      body: { message: "Consumer 'bea' not found in Group 'metered'" },
    });
  });
});

test('missing groups, consumers and fields are named', async () => {
  await withGateway(enterprise, async (call) => {
    const path = '/consumer_groups/metered/consumers';
    expect(await call('POST', path, {})).toEqual({ status: 400, body: { message: 'must provide consumer' } });
    expect(await call('POST', path, { consumer: 'zoe' })).toEqual({
      status: 404,
      body: { message: "Consumer 'zoe' not found" },
    });
    expect(await call('POST', '/consumer_groups/none/consumers', { consumer: 'ann' })).toEqual({
      status: 404,
      body: { message: "Group 'none' not found" },
    });
  });
});

test('one member among several refuses the whole call', async () => {
  await withGateway(enterprise, async (call, _gateway, proxied) => {
    const answer = await call('POST', '/consumer_groups/metered/consumers', { consumer: ['bea', 'ann'] });
    expect(answer.status).toBe(409);
    expect(await proxied('bea-key')).toBe(403);
  });
});

test("the consumer's side shows and changes the same memberships", async () => {
  await withGateway(enterprise, async (call) => {
    const added = await call('POST', '/consumers/bea/consumer_groups', { group: 'metered' });
    expect(added).toMatchObject({
      status: 201,
      body: { consumer: { username: 'bea' }, consumer_groups: [{ name: 'metered' }] },
    });
    const groups = await call('GET', '/consumers/bea/consumer_groups');
    expect(groups.body).toMatchObject({ data: [{ name: 'metered', consumers_count: 2 }], next: null });
    const first = (await call('GET', '/consumer_groups/metered/consumers?size=1')).body as {
      data: unknown[];
      offset: string;
    };
    const second = await call('GET', `/consumer_groups/metered/consumers?size=1&offset=${first.offset}`);
    expect(first.data).toHaveLength(1);
    expect(second.body).toMatchObject({ data: [expect.anything()], next: null });
    expect((await call('GET', '/consumer_groups/metered')).body).toMatchObject({
      consumer_group: { name: 'metered' },
      consumers: [expect.anything(), expect.anything()],
    });
    expect((await call('DELETE', '/consumers/bea/consumer_groups')).status).toBe(204);
    expect((await call('GET', '/consumers/bea/consumer_groups')).body).toEqual({ data: [], next: null });
  });
});

test("of several groups with the same plugin the alphabetically first one's runs", async () => {
  await withGateway(enterprise, async (call, _gateway, proxied) => {
    await call('POST', '/consumer_groups/1-slow/consumers', { consumer: 'ann' });
    expect(await proxied('ann-key')).toBe(429);
    await call('POST', '/consumer_groups/0-over-quota/consumers', { consumer: 'ann' });
    expect(await proxied('ann-key')).toBe(402);
    await call('DELETE', '/consumer_groups/0-over-quota/consumers/ann');
    expect(await proxied('ann-key')).toBe(429);
  });
});

test('without a database memberships come from consumer_group_consumers and only /config changes them', async () => {
  await withGateway({ ...enterprise, mode: 'dbless' }, async (call, _gateway, proxied) => {
    const refused = await call('POST', '/consumer_groups/metered/consumers', { consumer: 'bea' });
    expect(refused).toMatchObject({ status: 405, body: { code: 12 } });
    const { config } = (await call('GET', '/config')).body as { config: string };
    const bea = /id: (\S+)\n(?: {2}.*\n)*? {2}username: bea|username: bea\n(?: {2}.*\n)*? {2}id: (\S+)/.exec(
      config,
    )!;
    const changed = config.replace(
      /(consumer_group_consumers:\n(?:.*\n)*?.*consumer: )\S+/,
      `$1${bea[1] ?? bea[2]}`,
    );
    expect((await call('POST', '/config', { config: changed })).status).toBe(201);
    expect([await proxied('ann-key'), await proxied('bea-key')]).toEqual([403, 200]);
  });
});

test('RBAC asks for a token and allows what its user may do', async () => {
  const rbac = {
    full: { name: 'root', actions: ['read', 'create', 'update', 'delete'] },
    reader: { name: 'viewer', actions: ['read'] },
    members: { name: 'tollgate', actions: ['read', 'create', 'delete'], endpoints: ['/consumer_groups'] },
  } as const;
  await withGateway({ ...enterprise, enterprise: { rbac } }, async (call) => {
    const post = (token?: string, path = '/consumer_groups/metered/consumers') =>
      call('POST', path, { consumer: 'bea' }, token === undefined ? {} : { 'Kong-Admin-Token': token });
    expect((await post()).status).toBe(401);
    expect((await post('wrong')).status).toBe(401);
    expect(await post('reader')).toEqual({
      status: 403,
      body: { message: 'viewer, you do not have permissions to create this resource' },
    });
    expect((await post('members', '/consumers')).status).toBe(403);
    expect((await post('members')).status).toBe(201);
    expect((await call('GET', '/consumers', undefined, { 'Kong-Admin-Token': 'full' })).status).toBe(200);
  });
});

test('entities are found in their own workspace only', async () => {
  const settings = { workspace: 'team-a', otherWorkspaces: ['team-b'] };
  await withGateway({ ...enterprise, enterprise: settings }, async (call) => {
    expect((await call('GET', '/team-a/consumers/ann')).status).toBe(200);
    expect((await call('GET', '/consumers/ann')).status).toBe(404);
    expect((await call('GET', '/team-b/consumers/ann')).status).toBe(404);
    expect(await call('GET', '/team-c/consumers')).toEqual({
      status: 404,
      body: { message: "Workspace 'team-c' not found" },
    });
  });
});

import { parse } from 'yaml';
import { type StandInGateway, startStandInGateway } from '../src/index';
import { fixture, jsonFixture, recordedPluginInfo } from './support/fixtures';
import { normalise } from './support/normalise';

interface Recorded {
  request: { method: string; path: string; body?: unknown };
  response: { status: number; headers: Record<string, string>; body: unknown };
}

const socketPath = '/nonexistent/no-plugin-server.sock';
const pluginServers = [
  { socketPath, info: recordedPluginInfo('meter') },
  { socketPath, info: recordedPluginInfo('guard') },
];

function send(adminUrl: string, { method, path, body }: Recorded['request']): Promise<Response> {
  if (body === undefined) return fetch(adminUrl + path, { method });
  if (typeof body !== 'string') {
    return fetch(adminUrl + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
  const type = body.startsWith('config=') ? 'application/x-www-form-urlencoded' : 'text/yaml';
  return fetch(adminUrl + path, { method, headers: { 'content-type': type }, body });
}

/** Ids of key-auth credentials are random at each load of a file; those of new rows are, in a database. */
function withoutRandomIds(value: unknown, known: string): unknown {
  return JSON.parse(
    JSON.stringify(value).replaceAll(
      /"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"/g,
      (id) => (known.includes(id.slice(1, -1)) ? id : '"random"'),
    ),
  );
}

function comparable(request: Recorded['request'], body: unknown, known: string): unknown {
  const parsed =
    request.path === '/config' && request.method === 'GET'
      ? parse((body as { config: string }).config ?? JSON.stringify(body))
      : body;
  const given = known + JSON.stringify(request.body ?? '');
  const rows = normalise(withoutRandomIds(parsed, given)) as Record<string, unknown>;
  if (Array.isArray(rows.keyauth_credentials)) {
    rows.keyauth_credentials.sort((a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1));
  }
  return rows;
}

async function expectSameAnswers(
  gateway: StandInGateway,
  recordings: Recorded[],
  known: string,
): Promise<void> {
  for (const { request, response } of recordings) {
    const answer = await send(gateway.adminUrl, request);
    const text = await answer.text();
    const body = text === '' ? '' : JSON.parse(text);
    const step = `${request.method} ${request.path}`;
    const headers = Object.fromEntries(
      ['content-type', 'server'].flatMap((name) => {
        const value = answer.headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
    );
    expect({ step, status: answer.status, headers, body: comparable(request, body, known) }).toEqual({
      step,
      status: response.status,
      headers: response.headers,
      body: comparable(request, response.body, known),
    });
  }
}

test('without a database the Admin API answers as the recorded Kong did', async () => {
  const gateway = await startStandInGateway({
    config: fixture('kong.yml'),
    mode: 'dbless',
    plugins: ['key-auth', 'acl'],
    pluginServers,
  });
  try {
    await expectSameAnswers(gateway, jsonFixture('admin-dbless.json'), '');
  } finally {
    await gateway.close();
  }
});

/** The rows that the recorded database held, under their recorded ids. */
const databaseRows = `
_format_version: "3.0"
consumers:
- {id: 23bd578a-c28e-4c39-a950-d8d7ec36b3d2, username: alice, custom_id: cust-alice}
- {id: 786363de-6f9d-4b28-a635-4a909914b02e, username: carol, custom_id: cust-carol}
- {id: 8e40ef4d-4243-46b0-9bb3-80a6c93bfebc, username: bob}
acls:
- {id: 5b953a08-51e5-4dce-a3ee-10132d1b0e98, consumer: alice, group: orders-access}
- {id: 41905458-6e59-4aeb-9bed-1c9c4613e79c, consumer: carol, group: orders-access}
- {id: 0f8c9340-a4f5-4576-b670-cb8f157f69b7, consumer: bob, group: other}
services:
- {id: 814478a0-889a-4bbc-8528-614d27c75f1e, name: orders, url: "http://127.0.0.1:9901"}
plugins:
- {id: 5d906a24-86c2-424f-bfb4-963f187cb04c, name: acl, service: orders, config: {allow: [orders-access]}}
- id: 6ac48e38-92ca-4d7f-a470-e49585cf429d
  name: meter
  service: orders
  config: {ingest_endpoint: "http://127.0.0.1:9903/api/v1/events"}
- {id: 7d906a24-86c2-424f-bfb4-963f187cb04c, name: key-auth, service: orders}
`;

test('with a database the Admin API answers as the recorded Kong did', async () => {
  const gateway = await startStandInGateway({
    config: databaseRows,
    mode: 'postgres',
    plugins: ['key-auth', 'acl'],
    pluginServers,
  });
  try {
    await expectSameAnswers(gateway, jsonFixture('admin-postgres.json'), databaseRows);
  } finally {
    await gateway.close();
  }
});

test('GET /config dumps the same entities with the same ids as the recorded Kong', async () => {
  const gateway = await startStandInGateway({ config: fixture('kong.yml'), pluginServers });
  try {
    const answer = (await (await fetch(`${gateway.adminUrl}/config`)).json()) as { config: string };
    const request = { method: 'GET', path: '/config' };
    expect(comparable(request, answer, '')).toEqual(
      comparable(request, { config: fixture('config-dump.yml') }, ''),
    );
  } finally {
    await gateway.close();
  }
});

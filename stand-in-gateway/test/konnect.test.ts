import { type StandInGateway, type StandInGatewayOptions, startStandInGateway } from '../src/index';

const controlPlaneId = '9524ec7d-36d9-465d-a8c5-83a3c9390458';
const base = `/v2/control-planes/${controlPlaneId}/core-entities`;
const ids = { ann: '11111111-1111-4111-8111-111111111111', metered: '22222222-2222-4222-8222-222222222222' };

async function withKonnect(
  settings: Partial<NonNullable<StandInGatewayOptions['konnect']>>,
  run: (
    call: (method: string, path: string, body?: unknown) => Promise<Response>,
    gateway: StandInGateway,
  ) => Promise<void>,
): Promise<void> {
  const gateway = await startStandInGateway({
    edition: 'konnect',
    konnect: { controlPlaneId, token: 'kpat_test', ...settings },
    config: `
_format_version: "3.0"
consumers: [{id: ${ids.ann}, username: ann}]
consumer_groups: [{id: ${ids.metered}, name: metered}]
`,
  });
  const call = (method: string, path: string, body?: unknown) =>
    fetch(gateway.adminUrl + path, {
      method,
      headers: { authorization: 'Bearer kpat_test', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  try {
    await run(call, gateway);
  } finally {
    await gateway.close();
  }
}

test('without the token Konnect answers 401 with message and status', async () => {
  await withKonnect({}, async (_call, { adminUrl }) => {
    const answer = await fetch(`${adminUrl}${base}/consumers`, {
      headers: { authorization: 'Bearer wrong' },
    });
    expect([answer.status, await answer.json()]).toEqual([401, { message: 'Unauthorized', status: 401 }]);
  });
});

test('members are added and removed by UUID, and names are not found', async () => {
  await withKonnect({}, async (call) => {
    const members = `${base}/consumer_groups/${ids.metered}/consumers`;
    const added = await call('POST', members, { consumer: ids.ann });
    expect([added.status, await added.json()]).toEqual([
      201,
      {
        consumer_group: expect.objectContaining({ id: ids.metered }),
        consumers: [expect.objectContaining({ id: ids.ann })],
      },
    ]);
    const statuses = [
      await call('POST', members, { consumer: 'ann' }),
      await call('POST', `${base}/consumer_groups/metered/consumers`, { consumer: ids.ann }),
      await call('GET', `${base}/consumers/ann`),
      await call('DELETE', `${members}/${ids.ann}`),
    ].map(({ status }) => status);
    expect(statuses).toEqual([404, 404, 404, 204]);
  });
});

test('repeating a call is an error or a success, as the settings say', async () => {
  const repeat = async (call: (method: string, path: string, body?: unknown) => Promise<Response>) => {
    const members = `${base}/consumer_groups/${ids.metered}/consumers`;
    const answers = [
      await call('POST', members, { consumer: ids.ann }),
      await call('POST', members, { consumer: ids.ann }),
      await call('DELETE', `${members}/${ids.ann}`),
      await call('DELETE', `${members}/${ids.ann}`),
    ];
    return answers.map(({ status }) => status);
  };
  await withKonnect({}, async (call) => expect(await repeat(call)).toEqual([201, 409, 204, 404]));
  await withKonnect({ isMembershipStrict: false }, async (call) =>
    expect(await repeat(call)).toEqual([201, 201, 204, 204]),
  );
});

test('ACLs are deleted by their id, and deleting one again is a success', async () => {
  await withKonnect({}, async (call) => {
    const created = await call('POST', `${base}/consumers/${ids.ann}/acls`, { group: 'gold' });
    const { id } = (await created.json()) as { id: string };
    const acl = `${base}/consumers/${ids.ann}/acls`;
    const answers = [
      await call('DELETE', `${acl}/gold`),
      await call('DELETE', `${acl}/${id}`),
      await call('DELETE', `${acl}/${id}`),
    ];
    expect([created.status, ...answers.map(({ status }) => status)]).toEqual([201, 404, 204, 204]);
  });
});

test('more calls at a time than allowed get 429 with Retry-After, and no call is counted twice', async () => {
  await withKonnect({ maxConcurrency: 4, answerMs: 20, retryAfterSeconds: 3 }, async (call, gateway) => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => call('GET', `${base}/consumers`)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(4);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]!.headers.get('retry-after')).toBe('3');
    expect(await refused[0]!.json()).toEqual({ message: 'API rate limit exceeded' });
    expect(gateway.stats.adminCalls).toEqual({ 'GET /consumers': 12 });
  });
});

test('more calls in a second than allowed get 429', async () => {
  await withKonnect({ requestsPerSecond: 2 }, async (call) => {
    const statuses = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await call('GET', `${base}/consumers`)).status);
    expect(statuses).toEqual([200, 200, 429]);
  });
});

test('another control plane is not found', async () => {
  await withKonnect({}, async (call) => {
    const other = base.replace(controlPlaneId, ids.ann);
    expect((await call('GET', `${other}/consumers`)).status).toBe(404);
  });
});

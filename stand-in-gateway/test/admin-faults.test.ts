import { type AdminFault, type StandInGateway, startStandInGateway } from '../src/index';

const config = `
_format_version: "3.0"
consumers: [{username: ann}]
`;

async function withFault(fault: AdminFault, run: (gateway: StandInGateway) => Promise<void>): Promise<void> {
  const gateway = await startStandInGateway({ config, mode: 'postgres' });
  try {
    await gateway.setAdminFault(fault);
    await run(gateway);
  } finally {
    await gateway.close();
  }
}

const put = ({ adminUrl }: StandInGateway) => fetch(`${adminUrl}/consumers/ann/acls/gold`, { method: 'PUT' });

async function groups(gateway: StandInGateway): Promise<string[]> {
  await gateway.setAdminFault(undefined);
  const answer = await fetch(`${gateway.adminUrl}/consumers/ann/acls`);
  const { data } = (await answer.json()) as { data: { group: string }[] };
  return data.map(({ group }) => group);
}

test('while the Admin API is down connections are refused, and afterwards it answers at the same address', async () => {
  await withFault({ kind: 'down' }, async (gateway) => {
    await expect(put(gateway)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    expect(await groups(gateway)).toEqual([]);
  });
});

test('a status fault answers for the Admin API and nothing is applied', async () => {
  await withFault({ kind: 'status', status: 429, headers: { 'Retry-After': '2' } }, async (gateway) => {
    const answer = await put(gateway);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '2']);
    expect(await groups(gateway)).toEqual([]);
  });
});

test('a slow Admin API answers late and right', async () => {
  await withFault({ kind: 'slow', delayMs: 50 }, async (gateway) => {
    const startedAt = Date.now();
    expect((await put(gateway)).status).toBe(200);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(49);
  });
});

test.each([true, false])(
  'a connection that breaks half-way leaves the call applied: %s',
  async (isApplied) => {
    await withFault({ kind: 'cut', isApplied }, async (gateway) => {
      await expect(put(gateway).then((answer) => answer.text())).rejects.toThrow();
      expect(await groups(gateway)).toEqual(isApplied ? ['gold'] : []);
    });
  },
);

test('a deletion whose answer breaks off is applied all the same', async () => {
  await withFault({ kind: 'status', status: 500 }, async (gateway) => {
    await gateway.setAdminFault(undefined);
    await put(gateway);
    await gateway.setAdminFault({ kind: 'cut', isApplied: true });
    const request = fetch(`${gateway.adminUrl}/consumers/ann/acls/gold`, { method: 'DELETE' });
    await expect(request.then((answer) => answer.text())).rejects.toThrow();
    expect(await groups(gateway)).toEqual([]);
  });
});

test('calls are counted by pattern, failed ones too', async () => {
  await withFault({ kind: 'status', status: 500 }, async (gateway) => {
    await put(gateway);
    await put(gateway);
    expect(gateway.stats.adminCalls).toEqual({ 'PUT /consumers/{id}/acls/{id}': 2 });
    expect(gateway.stats.maxConcurrentAdminCalls).toBe(1);
  });
});

import { type StandInGateway, startStandInGateway } from '../../../stand-in-gateway/src';
import type { ConsumerMemberships, GatewayDriver } from '../../src/enforcement/drivers/gateway-driver';
import { synchronizeConsumers } from '../../src/enforcement/synchronize-consumers';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { Refusal } from '../../src/primitives/refusal';
import { cloudEvent } from '../support/cloud-events';
import { isLetIn } from '../support/kong-fixture';
import { requestJson } from '../support/request-json';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

jest.setTimeout(120_000);

const group = 'orders-access';

/** Consumers with their tags and, besides the access group, the groups they are in. */
const consumers = [
  { username: 'pro', tags: ['eu', 'plan-pro'], groups: [] },
  { username: 'team', tags: [], groups: ['team'] },
  { username: 'both', tags: ['plan-pro'], groups: ['team'] },
  { username: 'other', tags: ['eu'], groups: [] },
] as const;

const configuration = JSON.stringify({
  _format_version: '3.0',
  services: [
    {
      name: 'orders',
      url: 'http://127.0.0.1:9',
      routes: [{ name: 'orders', paths: ['/orders'] }],
      plugins: [{ name: 'key-auth' }, { name: 'acl', config: { allow: [group] } }],
    },
  ],
  consumers: consumers.map(({ username, tags, groups }) => ({
    username,
    tags,
    keyauth_credentials: [{ key: `${username}-key` }],
    acls: [group, ...groups].map((name) => ({ group: name })),
  })),
});

describeOnEachStorage('customers from consumers', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let gateway: StandInGateway;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    gateway = await startStandInGateway({ mode: 'postgres', config: configuration, propagationMs: 0 });
    const post = <T>(path: string, body: unknown) => requestJson<T>(app, 'POST', path, body);
    await post('/api/v1/meters', { slug: 'requests', aggregation: 'COUNT', eventType: 'kong.api_request' });
    await post('/api/v1/features', { key: 'requests', name: 'Requests', meterSlug: 'requests' });
    const plan = await post<{ id: string }>('/api/v1/plans', {
      key: 'pro',
      name: 'Pro',
      currency: 'USD',
      billingCadence: 'P1M',
      phases: [
        {
          key: 'default',
          name: 'Default',
          duration: null,
          rateCards: [
            {
              type: 'flat_fee',
              key: 'requests',
              name: 'Requests',
              featureKey: 'requests',
              billingCadence: 'P1M',
              price: null,
              entitlementTemplate: { type: 'metered', issueAfterReset: 2, isSoftLimit: false },
            },
          ],
        },
      ],
    });
    await post(`/api/v1/plans/${plan.id}/publish`, {});
    await post('/api/v1/access/gateways', {
      key: 'edge',
      driver: 'kong-acl',
      adminUrls: [gateway.adminUrl],
    });
    await post('/api/v1/access/policies', { feature: 'requests', gateway: 'edge', leave: [group] });
  });
  afterAll(async () => {
    await app?.stop();
    await gateway?.close();
    await opened?.drop();
  });

  const synchronize = (assignments: unknown) =>
    app.request('POST', '/api/v1/access/gateways/edge/synchronize', { assignments });
  const assignments = [
    { tag: 'plan-pro', group: 'team', entitlements: [{ feature: 'requests', type: 'boolean' }] },
    { tag: 'plan-pro', plan: 'pro' },
    { group: 'team', entitlements: [{ feature: 'requests', type: 'metered', allowance: 1 }] },
  ];
  const customers = async (): Promise<number> =>
    (await opened.database.query<{ n: number }>('SELECT count(*) AS n FROM customer')).rows[0]!.n;
  const use = (subject: string, count: number) =>
    app.request(
      'POST',
      '/api/v1/events',
      Array.from({ length: count }, () => cloudEvent({ subject })),
      { 'content-type': 'application/cloudevents-batch+json' },
    );
  const isIn = (name: string, expected: boolean) =>
    waitUntil(
      `${name} is ${expected ? 'in' : 'out'}`,
      async () => (await isLetIn(gateway, name)) === expected,
    );

  it('are not made at all when a plan or feature does not exist, and each of those is named', async () => {
    const response = await synchronize([
      { tag: 'plan-pro', plan: 'gold' },
      {
        group: 'team',
        entitlements: [
          { feature: 'requests', type: 'boolean' },
          { feature: 'seats', type: 'boolean' },
        ],
      },
    ]);
    expect(response.status).toBe(400);
    const { extensions } = (await response.json()) as {
      extensions: { validationErrors: { field: string }[] };
    };
    expect(extensions.validationErrors.map(({ field }) => field)).toEqual([
      '$.assignments[0].plan',
      '$.assignments[1].entitlements[1].feature',
    ]);
    expect(await customers()).toBe(0);
  });

  it('get what the first assignment says whose tag and group they have, and are cut off by it', async () => {
    const response = await synchronize(assignments);
    expect(await response.json()).toEqual({ consumers: 4, created: 4, known: 0, assigned: 3, failures: [] });
    expect(await (await synchronize(assignments)).json()).toMatchObject({ created: 0, known: 4 });

    await use('team', 1);
    await isIn('team', false);
    await use('pro', 1);
    await use('both', 50);
    await use('other', 50);
    await use('pro', 1);
    await isIn('pro', false);
    // A boolean entitlement is used up by nothing, and who was sold nothing is left alone.
    expect([await isLetIn(gateway, 'both'), await isLetIn(gateway, 'other')]).toEqual([true, true]);
  });

  describe('when the process ends in between', () => {
    const memberships: ConsumerMemberships[] = ['late', 'later'].map((username) => ({
      consumer: { id: `id-${username}`, username, customId: null, tags: ['plan-pro'] },
      groups: {},
    }));
    const driver = { snapshot: async () => memberships } as unknown as GatewayDriver;

    it('get what they are due from the next run, once', async () => {
      const given: string[] = [];
      const run = (entitle: (customerId: string, feature: string) => Promise<void>) =>
        synchronizeConsumers<string>({
          database: opened.database,
          newId: createIdentifierSource(),
          now: () => 0,
          driver,
          assignments: [{ tag: 'plan-pro', entitlements: ['first', 'second'] }],
          subscribe: async () => undefined,
          entitle,
        });
      const take = async (customerId: string, feature: string) => {
        const one = `${customerId} ${feature}`;
        if (given.includes(one)) throw new Refusal('conflict', 'entitlement_exists', 'it has that one');
        given.push(one);
      };
      const ending = run(async (customerId, feature) => {
        if (feature === 'second') throw new Error('the process ends');
        await take(customerId, feature);
      });
      await expect(ending).rejects.toThrow('the process ends');

      expect(await run(take)).toMatchObject({ created: 1, known: 1, assigned: 2, failures: [] });
      expect(given.map((one) => one.split(' ')[1])).toEqual(['first', 'second', 'first', 'second']);
      expect(await run(take)).toMatchObject({ created: 0, known: 2, assigned: 0, failures: [] });
    });
  });
});

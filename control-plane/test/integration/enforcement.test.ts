import type { StandInGateway } from '../../../stand-in-gateway/src';
import { systemClock } from '../../src/primitives/clock';
import { AccessFixture } from '../support/access-fixture';
import { cloudEvent } from '../support/cloud-events';
import { isLetIn, startAclGateway } from '../support/kong-fixture';
import { requestJson } from '../support/request-json';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

jest.setTimeout(30_000);

const batchType = { 'content-type': 'application/cloudevents-batch+json' };

describeOnEachStorage('enforcement', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  let fixture: AccessFixture;
  const gateways: Record<string, StandInGateway> = {};

  const names = ['acme', 'globex', 'initech', 'umbrella', 'stranger'];

  const json = <T = unknown>(method: string, path: string, body?: unknown) =>
    requestJson<T>(app, method, path, body);

  const use = (subject: string, count: number) =>
    app.request(
      'POST',
      '/api/v1/events',
      Array.from({ length: count }, () => cloudEvent({ subject })),
      batchType,
    );

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    fixture = new AccessFixture(opened.database, systemClock);
    gateways.acl = await startAclGateway('postgres', names);
    gateways.dbless = await startAclGateway('dbless', names, { nodeCount: 2 });
    await json('POST', '/api/v1/access/gateways', {
      key: 'acl',
      driver: 'kong-acl',
      adminUrls: [gateways.acl.adminUrl],
    });
    await json('POST', '/api/v1/access/gateways', {
      key: 'dbless',
      driver: 'kong-dbless',
      adminUrls: gateways.dbless.nodes.map(({ adminUrl }) => adminUrl),
    });
    for (const gateway of ['acl', 'dbless']) {
      await json('POST', '/api/v1/access/policies', {
        feature: 'requests',
        gateway,
        leave: ['orders-access'],
      });
    }
  });
  afterAll(async () => {
    await app?.stop();
    for (const gateway of Object.values(gateways)) await gateway.close();
    await opened?.drop();
  });

  const nodes = () => [gateways.acl!, ...gateways.dbless!.nodes];
  const isEverywhere = async (name: string, expected: boolean) =>
    waitUntil(`${name} is ${expected ? 'in' : 'out'} on every node`, async () => {
      for (const node of nodes()) if ((await isLetIn(node, name)) !== expected) return false;
      return true;
    });

  it('takes a consumer out when its allowance is used up, and lets it in after a grant', async () => {
    const [acme] = await fixture.entitle([{ key: 'acme', featureKey: 'requests', allowance: 10 }]);
    await use('acme', 9);
    await isEverywhere('acme', true);
    await use('acme', 1);
    await isEverywhere('acme', false);
    await fixture.grant(acme!.entitlementId, 5);
    await isEverywhere('acme', true);
  });

  it('leaves consumers alone whose customers never had an entitlement', async () => {
    await use('stranger', 100);
    await isEverywhere('stranger', true);
  });

  it('never cuts off a soft limit', async () => {
    await fixture.entitle([{ key: 'globex', featureKey: 'requests', allowance: 1, isSoftLimit: true }]);
    const [initech] = await fixture.entitle([{ key: 'initech', featureKey: 'requests', allowance: 1 }]);
    await use('globex', 5);
    await use('initech', 1);
    // The one that was crossed later is out, so the earlier one would be.
    await isEverywhere('initech', false);
    await isEverywhere('globex', true);
    expect(initech).toBeDefined();
  });

  it('takes the consumer of a deleted entitlement out', async () => {
    const [umbrella] = await fixture.entitle([{ key: 'umbrella', featureKey: 'requests' }]);
    await isEverywhere('umbrella', true);
    await fixture.remove(umbrella!.entitlementId);
    await isEverywhere('umbrella', false);
  });
});

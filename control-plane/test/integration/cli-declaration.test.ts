// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how references are written.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readDeclarationFile } from '../../src/config/declaration/read-declaration';
import { environmentOf, runCli } from '../support/run-cli';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const everything = `meters:
  api_requests:
    name: API requests
    description: What passes the gateway
    eventType: kong.api_request
    aggregation: COUNT
    groupBy: { request_method: $.request_method, route_name: $.route_name }
  api_bytes:
    eventType: kong.api_request
    aggregation: SUM
    valueProperty: $.response_size
    metadata: { unit: bytes }
features:
  api-requests:
    name: API requests
    meter: api_requests
  writes:
    meter: api_requests
    filters: { request_method: { $in: [POST, PUT] } }
  reads:
    meter: api_requests
    filters: { request_method: GET }
  support: {}
plans:
  pro:
    name: Pro
    currency: USD
    phases:
      - key: default
        name: Default
        duration: null
        rateCards:
          - type: usage_based
            key: api-requests
            name: API requests
            featureKey: api-requests
            billingCadence: P1M
            price: { type: unit, amount: "0.01" }
customers:
  acme-inc:
    name: Acme Inc
    subjects: [zeta, acme-gateway]
    currency: EUR
    metadata: { plan: gold }
    entitlements:
      api-requests:
        type: metered
        issueAfterReset: 1000.5
        isSoftLimit: true
        usagePeriod: { interval: P1M, anchor: 2026-01-31T00:00:00+01:00 }
      support: { type: static, config: '{"hours":24}' }
  globex: {}
channels:
  operations:
    url: https://example.com/hooks
    signingSecret: \${env:HOOK_SECRET}
    customHeaders: { X-Team: "a $\${literal}" }
rules:
  allowance:
    type: entitlements.balance.threshold
    channels: [operations]
    thresholds:
      - { type: usage_percentage, value: 80 }
      - { type: usage_percentage, value: 100 }
  periods:
    type: entitlements.reset
    channels: [operations]
    disabled: true
gateways:
  kong:
    driver: kong-acl
    adminUrls: [http://127.0.0.1:9/]
    token: \${env:KONG_ADMIN_TOKEN}
    accessPolicies:
      api-requests: { leave: [orders-access], mode: observe }
`;

describeOnEachStorage('a declaration of everything', (storage) => {
  let opened: TestDatabase;
  let other: TestDatabase;
  let app: TestApp;
  let empty: TestApp;
  let directory: string;

  beforeAll(async () => {
    opened = await storage.open();
    other = await storage.open();
    app = await startTestApp(opened.database);
    empty = await startTestApp(other.database);
    directory = mkdtempSync(join(tmpdir(), 'tollgate-declaration-'));
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await Promise.all([app.stop(), empty.stop()]);
    await Promise.all([opened.drop(), other.drop()]);
  });

  const environment = (server: TestApp) => ({
    ...environmentOf(server),
    HOOK_SECRET: secret,
    TOLLGATE_SECRET_OPERATIONS: secret,
  });
  const run = (server: TestApp, ...given: string[]) => runCli(environment(server), ...given);
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };

  it('is made by one apply, and a second changes nothing', async () => {
    const file = write('tollgate.yml', everything);
    const first = await run(app, 'apply', '-f', file);
    expect(first).toMatchObject({ status: 0, error: expect.not.stringContaining('tollgate:') });
    const second = await run(app, 'apply', '-f', file);
    expect(second.out).toMatch(/^0 to create, 0 to change, 0 to remove, \d+ unchanged\n$/);
    expect((await run(app, 'diff', '-f', file)).status).toBe(0);
  });

  it('comes back from an empty server that a dump of it was applied to', async () => {
    const { out, error } = await run(app, 'dump');
    expect(error).toContain('set TOLLGATE_SECRET_OPERATIONS');
    expect(out).not.toContain(secret);
    const file = write('dumped.yml', out);
    expect((await run(empty, 'apply', '-f', file)).status).toBe(0);
    expect((await run(empty, 'dump')).out).toBe(out);
    expect((await run(empty, 'diff', '-f', write('again.yml', everything))).status).toBe(0);
  });

  it('asks for what the file declares by name, however many others the server has', async () => {
    const asked = jest.spyOn(globalThis, 'fetch');
    try {
      const file = write('tollgate.yml', everything);
      expect((await run(app, 'diff', '-f', file)).status).toBe(0);
      const paths = asked.mock.calls.map(([input]) => new URL(String(input)).pathname);
      expect(paths).toContain('/api/v1/customers/acme-inc');
      expect(paths).toContain('/api/v2/customers/acme-inc/entitlements/support');
      expect(paths).not.toContain('/api/v1/customers');
      expect(paths).not.toContain('/api/v2/entitlements');
    } finally {
      asked.mockRestore();
    }
  });

  it('overrides an entitlement whose allowance changes, and keeps what the file leaves open', async () => {
    const file = write('more.yml', everything.replace('1000.5', '2000').replace('    currency: EUR\n', ''));
    const { status, out } = await run(app, 'apply', '-f', file);
    expect(status).toBe(0);
    expect(out).toContain('~ entitlement acme-inc/api-requests\n    issueAfterReset: 1000.5 -> 2000\n');
    const customer = await (await app.request('GET', '/api/v1/customers/acme-inc')).json();
    expect(customer).toMatchObject({ currency: 'EUR' });
    expect((await run(app, 'apply', '-f', write('tollgate.yml', everything))).status).toBe(0);
  });

  it('publishes another version of a plan whose price changes', async () => {
    const file = write('dearer.yml', everything.replace('amount: "0.01"', 'amount: "0.02"'));
    const { status, out, error } = await run(app, 'apply', '-f', file);
    expect([status, error]).toEqual([0, expect.stringContaining('plan pro')]);
    expect(out).toContain('phases[0].rateCards[0].price.amount: "0.01" -> "0.02"');
    expect((await run(app, 'diff', '-f', file)).status).toBe(0);
    const plan = await (await app.request('GET', '/api/v1/plans/pro')).json();
    expect(plan).toMatchObject({ version: 2, status: 'active' });
    expect((await run(app, 'apply', '-f', write('tollgate.yml', everything))).status).toBe(0);
  });

  it('puts another signing secret in force, without showing either', async () => {
    const file = write('tollgate.yml', everything);
    const rotated = { ...environment(app), HOOK_SECRET: secret.replace('MfKQ', 'AAAA') };
    const changed = await runCli(rotated, 'apply', '-f', file);
    expect(changed).toMatchObject({ status: 0 });
    expect(changed.out).toContain('~ channel operations\n    signingSecret: (secret)\n');
    expect((await runCli(rotated, 'diff', '-f', file)).status).toBe(0);
    expect((await run(app, 'apply', '-f', file)).status).toBe(0);
  });

  it('removes what is not declared only with --prune, and only what --select names', async () => {
    const file = write('fewer.yml', everything.replace(/ {2}periods:[\s\S]*?(?=gateways)/, ''));
    expect((await run(app, 'diff', '-f', file)).status).toBe(0);
    expect((await run(app, 'diff', '-f', file, '--prune', '--select', 'meters')).status).toBe(0);
    const { status, out } = await run(app, 'apply', '-f', file, '--prune', '--select', 'rules');
    expect(status).toBe(0);
    expect(out).toContain('- rule periods\n');
    expect((await run(app, 'dump')).out).not.toContain('periods');
  });

  it('fits kong.yml where it is the one that the repository ships, and starts without any secret', async () => {
    const root = join(__dirname, '../../..');
    const file = join(root, 'tollgate.yml');
    expect((await run(empty, 'apply', '-f', file)).status).toBe(0);
    expect((await run(empty, 'diff', '-f', file)).status).toBe(0);
    const { declaration } = readDeclarationFile(file, {});
    const kong = parse(readFileSync(join(root, 'kong.yml'), 'utf8'));
    const consumers = kong.consumers.map(({ username }: { username: string }) => username);
    expect(Object.keys(declaration.customers)).toEqual(consumers);
    const groups = kong.consumers.flatMap(({ acls }: { acls: { group: string }[] }) =>
      acls.map(({ group }) => group),
    );
    expect(groups).toEqual(
      expect.arrayContaining(declaration.gateways.kong!.accessPolicies['api-requests']!.leave),
    );
  });

  it('names what a reference by name does not find', async () => {
    const file = write('dangling.yml', everything.replace('channels: [operations]', 'channels: [nobody]'));
    const { status, error } = await run(app, 'apply', '-f', file);
    expect(status).toBe(1);
    expect(error).toMatch(
      /rule "allowance" could not be changed: there is nothing named "nobody" in channels/,
    );
  });
});

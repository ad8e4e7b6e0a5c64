import fc from 'fast-check';
import { Configuration } from '../src/configuration';
import { dumpDeclarative } from '../src/declarative/dump-declarative';
import type { FlattenContext } from '../src/declarative/flatten-entities';
import { parseDeclarative } from '../src/declarative/parse-declarative';
import { resolveReferences } from '../src/declarative/resolve-references';
import { EntityStore } from '../src/entities/entity-store';
import { GatewayConfigError, startStandInGateway } from '../src/index';
import { ProxyView } from '../src/proxy/proxy-view';
import { PluginCatalog } from '../src/schema/plugin-catalog';

let counter = 0;
const context: FlattenContext = {
  edition: 'oss',
  catalog: new PluginCatalog('oss', undefined, []),
  nowSeconds: 1_700_000_000,
  randomUuid: () => {
    counter += 1;
    return `00000000-0000-4000-8000-${String(counter).padStart(12, '0')}`;
  },
};

const head = '_format_version: "3.0"\n';

test.each([
  ['services: []', 1, '_format_version: required field missing'],
  ['_format_version: "4.0"', 1, '_format_version: expected one of: 1.1, 2.1, 3.0'],
  [`${head}_info: {}`, 2, '_info: unknown field'],
  [
    `${head}consumers:\n- username: a\n- username: b\n  groups: [{name: g}]`,
    5,
    'consumers[1].groups: unknown field',
  ],
  [`${head}consumer_groups: [{name: g}]`, 2, 'consumer_groups: unknown field'],
  [
    `${head}consumers:\n- username: a\n- username: a`,
    4,
    "uniqueness violation: 'consumers' entity with username set to 'a'",
  ],
  [
    `${head}routes:\n- name: r\n  service: none`,
    4,
    "invalid reference 'service: none' (no such entry in 'services')",
  ],
  [`${head}services:\n- name: s\n  host: h\n  port: http`, 5, 'services[0].port: expected an integer'],
  [`${head}services:\n- name: s`, 3, 'services[0].host: required field missing'],
  [`${head}services:\n- name: s\n  url: nowhere`, 4, 'services[0].url: missing host in url'],
  [`${head}plugins:\n- name: rate-limiting`, 3, "plugin 'rate-limiting' not enabled"],
  [
    `${head}plugins:\n- name: acl\n  config:\n    allow: gold`,
    5,
    'plugins[0].config.allow: expected an array',
  ],
  [
    `${head}consumers:\n- tags: [x]`,
    3,
    "at least one of these fields must be non-empty: 'custom_id', 'username'",
  ],
  [`${head}consumers:\n- username: a\n   custom_id: b`, 3, 'failed parsing declarative configuration'],
  [`${head}consumers: [`, 2, 'did not find expected node content'],
  ['just text', 1, 'expected an object'],
])('a broken file is refused with its line: %j', async (config, line, message) => {
  const start = startStandInGateway({ config });
  await expect(start).rejects.toThrow(GatewayConfigError);
  const { message: told } = (await start.catch((error: Error) => error as Error)) as Error;
  expect(told).toContain(message);
  expect(told.startsWith(`configuration:${line}: `)).toBe(true);
});

test.each([
  ['key-auth', 'key_in_body: true', 'value must be false'],
  ['request-termination', 'echo: true', 'value must be false'],
  ['http-log', 'http_endpoint: http://x, custom_fields_by_lua: {a: b}', 'unknown field'],
])('a setting of %s that the gateway does not act upon is refused', async (name, setting, message) => {
  const config = `${head}plugins: [{name: ${name}, config: {${setting}}}]`;
  await expect(startStandInGateway({ config })).rejects.toThrow(message);
});

test('a missing file is refused by name', async () => {
  await expect(startStandInGateway({ configPath: '/nowhere/kong.yml' })).rejects.toThrow(
    '/nowhere/kong.yml: no such file; give the path of a kong.yml',
  );
});

test('all formats that Kong accepts are loaded', () => {
  for (const version of ['1.1', '2.1', '3.0']) {
    expect(parseDeclarative(`_format_version: "${version}"`, context).table('consumers').size).toBe(0);
  }
});

/** Texts that a YAML reader could take for something else. */
const trickyText = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.string({ minLength: 1, unit: 'grapheme' }),
  fc.constantFrom(
    'true',
    'no',
    '~',
    'null',
    '1e3',
    '0x10',
    '1.0',
    '- a',
    '#x',
    "it's",
    '{a',
    '&a',
    '*a',
    '!t',
    '2026-01-01',
    ' a ',
    ':',
    'a: b',
    'a #b',
    '12e45678',
    '=',
    '<<',
    '%a',
    '@a',
    '`',
  ),
);

test('a dumped configuration loads into the same entities', () => {
  const consumer = fc.record({
    username: trickyText,
    tags: fc.option(fc.array(trickyText, { maxLength: 3 }), { nil: null }),
    groups: fc.uniqueArray(trickyText, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(consumer, { selector: ({ username }) => username, maxLength: 5 }),
      (consumers) => {
        const given = {
          _format_version: '3.0',
          services: [
            { name: 's', url: 'http://127.0.0.1:1/base', routes: [{ name: 'r', paths: ['/a', '~/b$'] }] },
          ],
          plugins: [
            { name: 'http-log', config: { http_endpoint: 'http://x/y?z=1', headers: { A: 'b: c' } } },
          ],
          consumers: consumers.map(({ username, tags, groups }) => ({
            username,
            tags,
            acls: groups.map((group) => ({ group })),
            keyauth_credentials: [{ key: `${username}-key` }],
          })),
        };
        const first = parseDeclarative(JSON.stringify(given), context);
        const second = parseDeclarative(dumpDeclarative(first), context);
        for (const table of first.list()) {
          expect(second.findTable(table.schema.name)?.list()).toEqual(table.list());
        }
      },
    ),
  );
});

test('a vault reference is resolved where the schema allows one, and nowhere else', () => {
  const fields = [
    { token: { type: 'string', referenceable: true } as const },
    { plain: { type: 'string' } as const },
    { nested: { type: 'record', fields: [{ key: { type: 'string', referenceable: true } }] } as const },
    { missing: { type: 'string', referenceable: true } as const },
  ];
  const config = {
    token: '{vault://env/my-token}',
    plain: '{vault://env/my-token}',
    nested: { key: '{vault://env/CREDS/user}' },
    missing: '{vault://env/none}',
  };
  const environment = { MY_TOKEN: 'secret', CREDS: '{"user":"ann"}' };
  expect(resolveReferences(fields as never, config, environment)).toEqual({
    config: { token: 'secret', plain: '{vault://env/my-token}', nested: { key: 'ann' }, missing: '' },
    refs: {
      token: '{vault://env/my-token}',
      'nested.key': '{vault://env/CREDS/user}',
      missing: '{vault://env/none}',
    },
  });
});

test('a proxy view that is refreshed change by change is the same as one built anew', () => {
  const change = fc.record({
    consumer: fc.constantFrom('a', 'b'),
    group: fc.constantFrom('x', 'y', 'z'),
    isAdded: fc.boolean(),
  });
  const newView = () => new ProxyView({ catalog: context.catalog, environment: {}, nextSequence: () => 0 });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const store = new EntityStore('oss');
      const configuration = new Configuration(store);
      for (const id of ['a', 'b']) {
        store.table('consumers').put({ id, username: id, custom_id: null, tags: null, created_at: 0 });
      }
      const followed = newView();
      configuration.follow(followed, 0);
      const acls = store.table('acls');
      for (const { consumer, group, isAdded } of changes) {
        const id = `${consumer}-${group}`;
        if (isAdded) acls.put({ id, consumer: { id: consumer }, group, tags: null, created_at: 0 });
        else acls.remove(id);
        configuration.notify({ consumerId: consumer });
      }
      const built = newView();
      built.rebuild(store);
      for (const id of ['a', 'b']) expect(followed.findConsumer(id)).toEqual(built.findConsumer(id));
    }),
  );
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { luaSchema } from '../scripts/lua-schema';
import { parseConfiguration } from '../src/configuration/configuration';
import { schema } from '../src/configuration/schema';
import { optionRules } from '../src/server/options';

const root = join(__dirname, '../..');
const examples = join(root, 'examples/kong');
const yamlFiles = readdirSync(examples).filter((name) => name.endsWith('.yml'));

interface Plugin {
  readonly name: string;
  readonly config: Record<string, unknown>;
}

/** Every plugin entry anywhere in a parsed file. */
function pluginsIn(value: unknown): Plugin[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'plugins' in value && Array.isArray(value.plugins) ? (value.plugins as Plugin[]) : [];
  return [...own, ...Object.values(value).flatMap(pluginsIn)];
}

/** Names that the schema does not know, as Kong would refuse them. */
function unknownFields(config: Record<string, unknown>, fields: readonly object[], path = ''): string[] {
  const rules = Object.assign({}, ...fields) as Record<
    string,
    { type: string; fields?: object[]; elements?: { fields?: object[] } }
  >;
  return Object.entries(config).flatMap(([name, value]) => {
    const rule = rules[name];
    if (!rule) return [`${path}${name}`];
    if (rule.type === 'record')
      return unknownFields(value as Record<string, unknown>, rule.fields ?? [], `${path}${name}.`);
    if (!rule.elements?.fields) return [];
    return (value as Record<string, unknown>[]).flatMap((item) =>
      unknownFields(item, rule.elements?.fields ?? [], `${path}${name}[].`),
    );
  });
}

const parsed = (name: string): unknown[] =>
  parseAllDocuments(readFileSync(join(examples, name), 'utf8')).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as unknown;
  });

/** Files without the plugin among Kong's entities. */
const others = ['kubernetes-sidecar.yml', 'http-log.yml'];

test.each(yamlFiles.filter((name) => !others.includes(name)))(
  '%s configures the plugin so that it starts',
  (name) => {
    const plugins = parsed(name)
      .flatMap(pluginsIn)
      .filter((plugin) => plugin.name === 'tollgate');
    expect(plugins).toHaveLength(1);
    for (const { config } of plugins) {
      expect(unknownFields(config, schema)).toEqual([]);
      // Kong resolves the vault reference before the plugin sees it.
      expect(config.api_token).toBe('{vault://env/TOLLGATE_API_TOKEN}');
      expect(() => parseConfiguration({ ...config, api_token: 'resolved' })).not.toThrow();
    }
  },
);

test("the Kubernetes sidecar sets only the server's own environment, and gives Kong the same paths", () => {
  const [manifest] = parsed('kubernetes-sidecar.yml') as [
    { spec: { template: { spec: Record<string, Container[]> } } },
  ];
  type Container = { name: string; env: { name: string; value?: string }[] };
  const { initContainers, containers } = manifest.spec.template.spec;
  const known = new Set<string>(Object.values(optionRules).map(({ env }) => env));
  const sidecar = initContainers?.[0]?.env ?? [];
  const ours = sidecar
    .map(({ name }) => name)
    .filter((name) => !/^TOLLGATE_(INGEST_ENDPOINT|API_TOKEN)$/.test(name));
  expect(ours.filter((name) => !known.has(name))).toEqual([]);
  const valueIn = (env: Container['env'], name: string) =>
    env.find((variable) => variable.name === name)?.value;
  const kong = containers?.[0]?.env ?? [];
  expect(valueIn(kong, 'KONG_PLUGINSERVER_TOLLGATE_SOCKET')).toBe(valueIn(sidecar, 'TOLLGATE_SOCKET'));
  expect(valueIn(kong, 'KONG_PLUGINSERVER_TOLLGATE_QUERY_CMD')).toBe(
    `/bin/cat ${valueIn(sidecar, 'TOLLGATE_DUMP_INFO')}`,
  );
});

test('schema.lua says what the plugin says', () => {
  expect(readFileSync(join(examples, 'schema.lua'), 'utf8')).toBe(luaSchema());
});

test("every option and field is in the plugin's README", () => {
  const readme = readFileSync(join(root, 'plugin/README.md'), 'utf8');
  const fieldNames = schema.flatMap((field) => Object.keys(field));
  const missing = [...Object.keys(optionRules).map((name) => `--${name}`), ...fieldNames].filter(
    (name) => !readme.includes(name),
  );
  expect(missing).toEqual([]);
});

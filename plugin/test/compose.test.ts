import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { parseConfiguration } from '../src/configuration/configuration';
import { optionRules } from '../src/server/options';

interface Service {
  readonly image?: string;
  readonly build?: { readonly dockerfile: string };
  readonly environment?: Record<string, string>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Record<string, { readonly condition: string }>;
  readonly healthcheck?: unknown;
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly volumes: Record<string, unknown>;
}

const root = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function compose(path: string): Compose {
  const document = parseDocument(read(path), { merge: true });
  expect(document.errors).toEqual([]);
  return document.toJS() as Compose;
}

/** `ENV` of a Dockerfile, continuation lines included. */
function imageEnvironment(dockerfile: string): Record<string, string> {
  const joined = read(dockerfile).replaceAll('\\\n', ' ');
  const lines = joined.split('\n').filter((line) => line.startsWith('ENV '));
  return Object.fromEntries(
    [...lines.join(' ').matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name, value]),
  );
}

describe.each(['docker-compose.yml', 'docker-compose.dbless.yml'])('%s', (path) => {
  test('names only what exists: images by version, files, volumes, services', () => {
    const { services, volumes } = compose(path);
    for (const service of Object.values(services)) {
      if (service.build) expect(existsSync(join(root, service.build.dockerfile))).toBe(true);
      else expect(service.image).toMatch(/:[^:]*\d/);
      for (const volume of service.volumes ?? []) {
        const [from] = volume.split(':') as [string];
        if (from.startsWith('./')) expect(existsSync(join(root, from))).toBe(true);
        else expect(Object.keys(volumes)).toContain(from);
      }
      for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(Object.keys(services)).toContain(name);
        const dependency = services[name] as Service;
        if (condition === 'service_healthy') expect(dependency.healthcheck ?? dependency.build).toBeDefined();
      }
    }
  });

  test("opens nothing but Kong's proxy to other machines", () => {
    const ports = Object.values(compose(path).services).flatMap((service) => service.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual(['8000:8000']);
  });

  test('gives Kong the socket and facts of the plugin server, and no command to start one', () => {
    const { services } = compose(path);
    const server = imageEnvironment('plugin/Dockerfile');
    expect(services.kong?.environment).toMatchObject({
      KONG_PLUGINSERVER_NAMES: 'tollgate',
      KONG_PLUGINSERVER_TOLLGATE_SOCKET: server.TOLLGATE_SOCKET,
      KONG_PLUGINSERVER_TOLLGATE_QUERY_CMD: `/bin/cat ${server.TOLLGATE_DUMP_INFO}`,
    });
    expect(Object.keys(services.kong?.environment ?? {})).not.toContain(
      'KONG_PLUGINSERVER_TOLLGATE_START_CMD',
    );
    for (const name of ['kong', 'plugin-server']) expect(services[name]?.volumes).toContain('shared:/shared');
  });

  test('sets only variables that the plugin server has', () => {
    const known = new Set<string>(Object.values(optionRules).map(({ env }) => env));
    const given = {
      ...imageEnvironment('plugin/Dockerfile'),
      ...compose(path).services['plugin-server']?.environment,
    };
    const others = Object.keys(given).filter((name) => !known.has(name));
    expect(others.sort()).toEqual(['NODE_ENV', 'TOLLGATE_API_TOKEN', 'TOLLGATE_INGEST_ENDPOINT']);
  });
});

test("the gateway of the compose files delivers where the plugin server's replay does", () => {
  const document = parseDocument(read('examples/compose/kong.yml')).toJS() as {
    services: { plugins: { name: string; config: Record<string, unknown> }[] }[];
  };
  const plugin = document.services[0]?.plugins.find(({ name }) => name === 'tollgate');
  const { delivery } = parseConfiguration({ ...plugin?.config, api_token: 'resolved' });
  for (const path of ['docker-compose.yml', 'docker-compose.dbless.yml']) {
    const { environment } = compose(path).services['plugin-server'] as Service;
    expect(environment?.TOLLGATE_INGEST_ENDPOINT).toBe(delivery.endpoint);
  }
});

test.each(['plugin/Dockerfile', 'control-plane/Dockerfile'])(
  '%s runs as an unprivileged user and reports its health',
  (path) => {
    const lines = read(path).split('\n');
    const finalStage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
    expect(finalStage).toContain('USER node');
    expect(finalStage.findIndex((line) => line.startsWith('USER'))).toBeGreaterThan(
      finalStage.findLastIndex((line) => line.startsWith('RUN')),
    );
    expect(finalStage.some((line) => line.startsWith('HEALTHCHECK'))).toBe(true);
    expect(lines.filter((line) => /^FROM .*(:latest|[^:]*$)/.test(line) && !/:\S+/.test(line))).toEqual([]);
  },
);

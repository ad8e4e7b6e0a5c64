import { randomBytes } from 'node:crypto';
import { parse, stringify } from 'yaml';
import { openDriver } from '../../src/enforcement/drivers/open-driver';
import type { DriverTarget, TargetNames } from './driver-target';

/** Where a real Kong is, from the environment. */
export interface RealKong {
  adminUrl: string;
  proxyUrl: string;
  token: string | undefined;
}

/** KONG_ADMIN_URL and KONG_PROXY_URL, and KONG_ADMIN_TOKEN where there is RBAC. */
export const realKongFromEnvironment = (): RealKong | undefined => {
  const { KONG_ADMIN_URL, KONG_PROXY_URL, KONG_ADMIN_TOKEN } = process.env;
  if (!KONG_ADMIN_URL || !KONG_PROXY_URL) return undefined;
  return {
    adminUrl: KONG_ADMIN_URL.replace(/\/+$/, ''),
    proxyUrl: KONG_PROXY_URL.replace(/\/+$/, ''),
    token: KONG_ADMIN_TOKEN || undefined,
  };
};

/** Starts the suite's entities on a real Kong, with the driver that its mode asks for, and removes them at the end. */
export const startRealKong = async (kong: RealKong): Promise<DriverTarget> => {
  const call = caller(kong);
  const information = (await call('GET', '/')) as { configuration: { database: string } };
  const suffix = randomBytes(4).toString('hex');
  const names: TargetNames = {
    first: `tollgate-ann-${suffix}`,
    second: `tollgate-bea-${suffix}`,
    group: `tollgate-metered-${suffix}`,
    otherGroup: `tollgate-over-${suffix}`,
  };
  const isDbless = information.configuration.database === 'off';
  const path = `/tollgate-${suffix}`;
  const remove = isDbless ? await loadInto(call, names, path) : await create(call, names, path);
  return {
    names,
    groupsExist: false,
    setFault: undefined,
    open: (given = {}) =>
      openDriver[isDbless ? 'kong-dbless' : 'kong-acl']!({
        adminUrls: [kong.adminUrl],
        token: kong.token,
        workspace: undefined,
        controlPlaneId: undefined,
        timeoutMs: 10_000,
        concurrency: 4,
        now: Date.now,
        ...given,
      }),
    request: async (consumer) => {
      const response = await fetch(`${kong.proxyUrl}${path}`, { headers: { apikey: `${consumer}-key` } });
      await response.arrayBuffer();
      return [response.status];
    },
    close: remove,
  };
};

type Call = (method: string, path: string, body?: unknown) => Promise<unknown>;

const caller =
  ({ adminUrl, token }: RealKong): Call =>
  async (method, path, body) => {
    const response = await fetch(`${adminUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token ? { 'Kong-Admin-Token': token } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

const create = async (call: Call, names: TargetNames, path: string): Promise<() => Promise<void>> => {
  const service = `tollgate-${names.group}`;
  await call('PUT', `/services/${service}`, { url: 'http://127.0.0.1:9' });
  await call('PUT', `/services/${service}/routes/${service}`, { paths: [path] });
  await call('POST', `/services/${service}/plugins`, { name: 'key-auth' });
  await call('POST', `/services/${service}/plugins`, { name: 'acl', config: { allow: [names.group] } });
  const people = [names.first, names.second];
  for (const username of people) {
    await call('PUT', `/consumers/${username}`, { custom_id: `custom-${username}` });
    await call('POST', `/consumers/${username}/key-auth`, { key: `${username}-key` });
    await call('PUT', `/consumers/${username}/acls/${names.group}`, {});
  }
  return async () => {
    for (const username of people) await call('DELETE', `/consumers/${username}`);
    await call('DELETE', `/routes/${service}`);
    await call('DELETE', `/services/${service}`);
  };
};

type Rows = Record<string, unknown>[];

/** Adds the suite's entities to the configuration that is there; the end puts that back as it was. */
const loadInto = async (call: Call, names: TargetNames, path: string): Promise<() => Promise<void>> => {
  const before = ((await call('GET', '/config')) as { config: string }).config;
  const document = parse(before) as Record<string, Rows>;
  const service = `tollgate-${names.group}`;
  const people = [names.first, names.second];
  const ids = new Map([...people, service].map((name) => [name, crypto.randomUUID()]));
  const add = (table: string, rows: Rows) => {
    document[table] = [...(document[table] ?? []), ...rows];
  };
  add('services', [{ id: ids.get(service), name: service, host: '127.0.0.1', port: 9 }]);
  add('routes', [{ name: service, paths: [path], service: ids.get(service) }]);
  add('plugins', [
    { name: 'key-auth', service: ids.get(service) },
    { name: 'acl', service: ids.get(service), config: { allow: [names.group] } },
  ]);
  add(
    'consumers',
    people.map((username) => ({ id: ids.get(username), username, custom_id: `custom-${username}` })),
  );
  add(
    'keyauth_credentials',
    people.map((username) => ({ consumer: ids.get(username), key: `${username}-key` })),
  );
  add(
    'acls',
    people.map((username) => ({ consumer: ids.get(username), group: names.group })),
  );
  await call('POST', '/config', { config: stringify(document) });
  return async () => {
    await call('POST', '/config', { config: before });
  };
};

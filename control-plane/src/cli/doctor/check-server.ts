import { type ApiClient, ApiError } from '../../client/api-client';
import { type Finding, failed, ok, reasonOf, skewFinding, skipped } from './finding';

/** The server: up, ready, with the right time, and content with the token. */
export const checkServer = async (client: ApiClient, now: () => number): Promise<Finding[]> => {
  const before = now();
  const response = await fetch(`${client.url}/readyz`, { signal: AbortSignal.timeout(10_000) }).catch(
    (error: unknown) => error,
  );
  if (!(response instanceof Response)) {
    const { cause } = response as { cause?: unknown };
    return [
      failed(
        'server',
        `${client.url} does not answer: ${reasonOf(cause ?? response)}`,
        'start it with `tollgate serve`, or correct --url or TOLLGATE_URL',
      ),
    ];
  }
  const findings = [
    response.ok
      ? ok('server', `${client.url} is ready`)
      : failed('server', `${client.url} is not ready`, 'see its log: its database fails, or it is stopping'),
  ];
  const date = Date.parse(response.headers.get('date') ?? '');
  if (!Number.isNaN(date)) findings.push(skewFinding('server clock', date, before, now(), 1_000));
  findings.push(await checkToken(client));
  return findings;
};

const checkToken = async (client: ApiClient): Promise<Finding> => {
  try {
    await client.request('GET', '/api/v1/meters?page=1&pageSize=1');
    return ok('token', 'is in force and may read');
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) {
      return failed(
        'token',
        'the server does not know it, or it is expired or revoked',
        'set TOLLGATE_API_TOKEN or --token-file to a token in force; `tollgate token create` makes one',
      );
    }
    if (error.status === 403) {
      return failed('token', 'it may not read', 'use a token with the scope "read" or "manage"');
    }
    return failed('token', error.message, 'see the server log under the request id');
  }
};

interface Gateway {
  key: string;
  driver: string;
  health: { status: string; errorCode: string | null; error: string | null; version: string | null };
}

const gatewayRemedies: Record<string, string> = {
  unauthorized: "put the right token into the server's environment variable that the gateway names",
  forbidden: "give the gateway's token the right to change consumers",
};

/** Every registered gateway, as the server saw it last. */
export const checkGateways = async (client: ApiClient): Promise<Finding[]> => {
  const { items } = await client.request<{ items: Gateway[] }>('GET', '/api/v1/access/gateways');
  if (items.length === 0) return [skipped('gateways', 'none is registered; nobody is cut off')];
  return items.map(({ key, driver, health }) => {
    const check = `gateway ${key}`;
    if (health.status === 'healthy') return ok(check, `${driver}, Kong ${health.version ?? 'unknown'}`);
    if (health.status === 'unknown') return skipped(check, 'has not been asked yet; try again in a moment');
    return failed(
      check,
      `${health.errorCode}: ${health.error}`,
      gatewayRemedies[health.errorCode ?? ''] ??
        "start Kong, or correct the gateway's adminUrls; the server must reach its Admin API",
    );
  });
};

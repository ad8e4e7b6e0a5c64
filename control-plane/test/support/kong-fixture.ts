import {
  type StandInGateway,
  type StandInGatewayOptions,
  startStandInGateway,
} from '../../../stand-in-gateway/src';

/** A declarative configuration: consumers behind key-auth, in the acl group orders-access. */
export const aclConfiguration = (names: readonly string[], group = 'orders-access'): string =>
  JSON.stringify({
    _format_version: '3.0',
    services: [
      {
        name: 'orders',
        url: 'http://127.0.0.1:9',
        routes: [{ name: 'orders-v1', paths: ['/orders'] }],
        plugins: [{ name: 'key-auth' }, { name: 'acl', config: { allow: [group] } }],
      },
    ],
    consumers: names.map((username) => ({
      username,
      custom_id: `custom-${username}`,
      keyauth_credentials: [{ key: `${username}-key` }],
      acls: [{ group }],
    })),
  });

export const startAclGateway = (
  mode: 'dbless' | 'postgres',
  names: readonly string[],
  options: Partial<StandInGatewayOptions> = {},
): Promise<StandInGateway> =>
  startStandInGateway({ mode, config: aclConfiguration(names), propagationMs: 0, ...options });

/** Whether the gateway's proxy lets a consumer in: anything but 403. */
export const isLetIn = async (gateway: { proxyUrl: string }, name: string): Promise<boolean> => {
  const response = await fetch(`${gateway.proxyUrl}/orders`, { headers: { apikey: `${name}-key` } });
  await response.arrayBuffer();
  return response.status !== 403;
};

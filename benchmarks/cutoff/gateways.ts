/** The four kinds of gateway that the cut-off is measured at, as stand-ins. */
import type { StandInGatewayOptions } from '../../stand-in-gateway/src';

export const drivers = ['kong-acl', 'kong-consumer-groups', 'kong-dbless', 'konnect'] as const;

export type Driver = (typeof drivers)[number];

export const token = 'bench-token-0123456789';
export const group = 'orders-access';
const controlPlaneId = '9524ec7d-36d9-465d-a8c5-83a3c9390458';

const isEnterprise = (driver: Driver): boolean => driver === 'kong-consumer-groups' || driver === 'konnect';

/** A service behind key-auth and the access group, with consumers that are in it. `plugins` stand beside those two. */
export const kongConfiguration = (
  driver: Driver,
  upstreamPort: number,
  consumers: readonly string[],
  plugins: readonly object[] = [],
): string =>
  JSON.stringify({
    _format_version: '3.0',
    services: [
      {
        name: 'orders',
        url: `http://127.0.0.1:${upstreamPort}`,
        routes: [{ name: 'orders', paths: ['/orders'] }],
        plugins: [
          { name: 'key-auth' },
          {
            name: 'acl',
            config: { allow: [group], ...(isEnterprise(driver) ? { include_consumer_groups: true } : {}) },
          },
          ...plugins,
        ],
      },
    ],
    consumers: consumers.map((name) => ({
      username: name,
      keyauth_credentials: [{ key: `${name}-key` }],
      ...(isEnterprise(driver) ? {} : { acls: [{ group }] }),
    })),
    ...(isEnterprise(driver)
      ? {
          consumer_groups: [{ name: group }],
          consumer_group_consumers: consumers.map((name) => ({ consumer: name, consumer_group: group })),
        }
      : {}),
  });

/** What makes a stand-in this kind of gateway. `answerMs`: how long each answer of Konnect's takes. */
export const gatewayOptions = (driver: Driver, answerMs = 0): Omit<StandInGatewayOptions, 'config'> => ({
  mode: driver === 'kong-dbless' ? 'dbless' : 'postgres',
  edition: (
    {
      'kong-acl': 'oss',
      'kong-dbless': 'oss',
      'kong-consumer-groups': 'enterprise',
      konnect: 'konnect',
    } as const
  )[driver],
  ...(driver === 'konnect' ? { konnect: { controlPlaneId, token, maxConcurrency: 4, answerMs } } : {}),
});

/** The body that registers the gateway; Konnect's token is in the control plane's environment as KONNECT_TOKEN. */
export const registrationOf = (driver: Driver, adminUrl: string): object => ({
  key: 'edge',
  driver,
  adminUrls: [adminUrl],
  ...(driver === 'konnect' ? { controlPlaneId, token: '$' + '{env:KONNECT_TOKEN}' } : {}),
});

export const drivers = ['kong-acl', 'kong-consumer-groups', 'kong-dbless', 'konnect'] as const;
export type Driver = (typeof drivers)[number];

export const driverWords: Readonly<Record<Driver, string>> = {
  'kong-acl': 'Kong with a database: ACL groups',
  'kong-consumer-groups': 'Kong Enterprise: consumer groups',
  'kong-dbless': 'Kong without a database: ACL groups in its configuration',
  konnect: 'Konnect: consumer groups',
};

export interface Gateway {
  id: string;
  key: string;
  name: string;
  driver: Driver;
  adminUrls: string[];
  token: string | null;
  workspace: string | null;
  controlPlaneId: string | null;
  timeoutMs: number;
  concurrency: number;
  health: {
    status: 'unknown' | 'healthy' | 'failing';
    version: string | null;
    edition: string | null;
    database: string | null;
    nodes: number | null;
    error: string | null;
    failingSince: string | null;
    pausedUntil: string | null;
    checkedAt: string | null;
  };
  sweptAt: string | null;
  createdAt: string;
  updatedAt: string;
}

export const gatewaysPath = '/api/v1/access/gateways';

export const healthTones = { healthy: 'in', failing: 'out', unknown: 'neutral' } as const;

/** How it keeps its configuration, in words. */
export const modeWords = ({ driver, health }: Pick<Gateway, 'driver' | 'health'>): string => {
  if (driver === 'konnect') return 'hosted';
  if (health.database === null) return 'not known yet';
  return health.database === 'off' ? 'without a database' : health.database;
};

/** As tollgate.yml declares it. */
export const gatewayDeclaration = (gateway: Gateway) => ({
  gateways: {
    [gateway.key]: {
      ...(gateway.name === gateway.key ? {} : { name: gateway.name }),
      driver: gateway.driver,
      adminUrls: gateway.adminUrls,
      ...(gateway.token ? { token: gateway.token } : {}),
      ...(gateway.workspace ? { workspace: gateway.workspace } : {}),
      ...(gateway.controlPlaneId ? { controlPlaneId: gateway.controlPlaneId } : {}),
    },
  },
});

export const settingsTabs = [
  { label: 'API tokens', href: '/settings' },
  { label: 'Portal tokens', href: '/settings/portal' },
  { label: 'Gateways', href: '/settings/gateways' },
] as const;

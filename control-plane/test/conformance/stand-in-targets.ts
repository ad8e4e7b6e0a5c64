import { type StandInGatewayOptions, startStandInGateway } from '../../../stand-in-gateway/src';
import type { DriverOptions } from '../../src/enforcement/drivers/driver-options';
import { openDriver } from '../../src/enforcement/drivers/open-driver';
import type { DriverTarget, TargetNames } from './driver-target';

const names: TargetNames = { first: 'ann', second: 'bea', group: 'metered', otherGroup: 'over-quota' };
const token = 'right-token';
const controlPlaneId = '9524ec7d-36d9-465d-a8c5-83a3c9390458';

const configuration = (isEnterprise: boolean): string => {
  const people = [names.first, names.second];
  return JSON.stringify({
    _format_version: '3.0',
    services: [
      {
        name: 'orders',
        url: 'http://127.0.0.1:9',
        routes: [{ name: 'orders', paths: ['/orders'] }],
        plugins: [
          { name: 'key-auth' },
          {
            name: 'acl',
            config: { allow: [names.group], ...(isEnterprise ? { include_consumer_groups: true } : {}) },
          },
        ],
      },
    ],
    consumers: people.map((username) => ({
      username,
      custom_id: `custom-${username}`,
      keyauth_credentials: [{ key: `${username}-key` }],
      ...(isEnterprise ? {} : { acls: [{ group: names.group }] }),
    })),
    ...(isEnterprise
      ? {
          consumer_groups: [{ name: names.group }, { name: names.otherGroup }],
          consumer_group_consumers: people.map((consumer) => ({ consumer, consumer_group: names.group })),
        }
      : {}),
  });
};

const start = async (
  driver: string,
  options: Partial<StandInGatewayOptions>,
  driverOptions: Partial<DriverOptions>,
): Promise<DriverTarget> => {
  const isEnterprise = options.edition !== undefined && options.edition !== 'oss';
  const gateway = await startStandInGateway({
    config: configuration(isEnterprise),
    propagationMs: 0,
    ...options,
  });
  return {
    names,
    groupsExist: isEnterprise,
    open: (given = {}) =>
      openDriver[driver]!({
        adminUrls: gateway.nodes.map(({ adminUrl }) => adminUrl),
        token,
        workspace: undefined,
        controlPlaneId: undefined,
        timeoutMs: 5_000,
        concurrency: 4,
        now: Date.now,
        ...driverOptions,
        ...given,
      }),
    request: async (consumer) => {
      const statuses: number[] = [];
      for (const { proxyUrl } of gateway.nodes) {
        const response = await fetch(`${proxyUrl}/orders`, { headers: { apikey: `${consumer}-key` } });
        await response.arrayBuffer();
        statuses.push(response.status);
      }
      return statuses;
    },
    setFault: async (fault) => {
      for (const node of gateway.nodes) await node.setAdminFault(fault);
    },
    close: () => gateway.close(),
  };
};

/** The stand-in gateway as each kind of Kong. */
export const standInTargets: readonly { name: string; start: () => Promise<DriverTarget> }[] = [
  { name: 'kong-acl', start: () => start('kong-acl', { mode: 'postgres' }, {}) },
  {
    name: 'kong-consumer-groups',
    start: () =>
      start(
        'kong-consumer-groups',
        {
          mode: 'postgres',
          edition: 'enterprise',
          enterprise: {
            workspace: 'team-a',
            rbac: { [token]: { name: 'tollgate', actions: ['read', 'create', 'update', 'delete'] } },
          },
        },
        { workspace: 'team-a' },
      ),
  },
  {
    name: 'kong-dbless with two nodes',
    start: () => start('kong-dbless', { mode: 'dbless', nodeCount: 2 }, {}),
  },
  {
    name: 'konnect',
    start: () =>
      start(
        'konnect',
        { edition: 'konnect', konnect: { controlPlaneId, token, maxConcurrency: 4 } },
        { controlPlaneId },
      ),
  },
];

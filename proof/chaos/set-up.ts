import type { ControlPlaneClient } from '../../demo/control-plane-client';

export const group = 'orders-access';
export const meterSlug = 'requests';
const feature = 'requests';

/** A consumer of the gateway, what it may use in the period and what the run sends for it. */
export interface ChaosConsumer {
  name: string;
  allowance: number;
  events: number;
}

/** The lines that a rule draws, in percent of the allowance. */
export const thresholdPercents = [50, 80, 100] as const;

/** Kong with every consumer in the group that gives access. */
export const kongConfiguration = (consumers: readonly ChaosConsumer[]): string =>
  JSON.stringify({
    _format_version: '3.0',
    services: [
      {
        name: 'orders',
        url: 'http://127.0.0.1:9',
        routes: [{ name: 'orders', paths: ['/orders'] }],
        plugins: [{ name: 'key-auth' }, { name: 'acl', config: { allow: [group] } }],
      },
    ],
    consumers: consumers.map(({ name }) => ({ username: name, acls: [{ group }] })),
  });

/** Meter, feature, gateway, policy, entitlements, channel and rule, over the public API. */
export const setUp = async (
  client: ControlPlaneClient,
  consumers: readonly ChaosConsumer[],
  addresses: { adminUrl: string; webhookUrl: string },
): Promise<void> => {
  await client.post('/api/v1/meters', {
    slug: meterSlug,
    aggregation: 'COUNT',
    eventType: 'kong.api_request',
  });
  await client.post('/api/v1/features', { key: feature, name: 'Requests', meterSlug });
  await client.post('/api/v1/access/gateways', {
    key: 'edge',
    driver: 'kong-acl',
    adminUrls: [addresses.adminUrl],
  });
  await client.post('/api/v1/access/policies', { feature, gateway: 'edge', leave: [group] });
  const channel = await client.post<{ id: string }>('/api/v1/notification/channels', {
    type: 'WEBHOOK',
    name: 'chaos',
    url: addresses.webhookUrl,
  });
  await client.post('/api/v1/notification/rules', {
    type: 'entitlements.balance.threshold',
    name: 'thresholds',
    channels: [channel.id],
    thresholds: thresholdPercents.map((value) => ({ type: 'usage_percentage', value })),
  });
  for (const { name, allowance } of consumers) {
    await client.post(`/api/v1/subjects/${name}/entitlements`, {
      type: 'metered',
      featureKey: feature,
      issueAfterReset: allowance,
      usagePeriod: { interval: 'MONTH' },
    });
  }
};

import type { ControlPlaneClient } from './control-plane-client';

export interface FillOptions extends ControlPlaneClient {
  /** Address of an Admin API whose consumers are the customers below; where the gateway is declared already, none. */
  gatewayUrl?: string | undefined;
  /** Whether acme-inc and globex use something here; the demo sends real traffic for them. */
  withConsumers?: boolean;
  /** Where notifications go; where a channel is declared already, none. */
  webhookUrl?: string | undefined;
  /** Epoch milliseconds; asked when it is needed, since an entitlement counts from the minute in which it was made. */
  now: () => number;
}

interface Listed<T> {
  items: T[];
}

const hourMs = 3_600_000;

/** Who is shown beside the two consumers that the demo sends traffic for, and how much of what each has used. */
const others = [
  { key: 'initech', name: 'Initech', requests: 1_000, used: 942, tokens: 2_000_000, usedTokens: 312_480 },
  { key: 'umbrella', name: 'Umbrella', requests: 500, used: 500, tokens: 500_000, usedTokens: 41_000 },
  { key: 'hooli', name: 'Hooli', requests: 2_500, used: 1_783, tokens: 8_000_000, usedTokens: 6_931_204 },
  {
    key: 'stark',
    name: 'Stark Industries',
    requests: 5_000,
    used: 1_207,
    tokens: 4_000_000,
    usedTokens: 87_000,
  },
  { key: 'wayne', name: 'Wayne Enterprises', requests: 200, used: 31, tokens: 1_000_000, usedTokens: 0 },
] as const;

const ignoreKnown = async (work: Promise<unknown>): Promise<void> => {
  await work.catch((error: Error) => {
    if (!/\b409\b/.test(error.message)) throw error;
  });
};

/**
 * Fills every page of the dashboard with something sensible, through the public API and nothing else: meters, features, a
 * plan, customers that subscribe to it, usage of the last hours, a hold, tokens. Run twice, it adds nothing.
 * @returns a portal token of acme-inc
 */
export const fillDashboard = async (options: FillOptions): Promise<{ token: string }> => {
  await defineWhatIsCounted(options);
  await defineGate(options);
  await publishPlan(options);
  await addCustomers(options);
  await sendUsage(options);
  await decideByHand(options);
  return options.post('/api/v1/portal/tokens', { subject: 'acme-inc' });
};

const defineWhatIsCounted = async ({ post }: FillOptions): Promise<void> => {
  const groupBy = { route_name: '$.route_name', request_method: '$.request_method' };
  const meters = [
    {
      slug: 'api_requests',
      name: 'API requests',
      eventType: 'kong.api_request',
      aggregation: 'COUNT',
      groupBy,
    },
    {
      slug: 'llm_tokens',
      name: 'LLM tokens',
      description: 'Prompt and completion tokens of AI proxies.',
      eventType: 'kong.llm_request',
      aggregation: 'SUM',
      valueProperty: '$.total_tokens',
      groupBy: { model: '$.model' },
    },
    {
      slug: 'active_users',
      name: 'Active users',
      eventType: 'user.active',
      aggregation: 'UNIQUE_COUNT',
      valueProperty: '$.user_id',
    },
  ];
  for (const meter of meters) await ignoreKnown(post('/api/v1/meters', meter));
  const features = [
    { key: 'api-requests', name: 'API requests', meterSlug: 'api_requests' },
    { key: 'llm-tokens', name: 'LLM tokens', meterSlug: 'llm_tokens' },
    { key: 'seats', name: 'Seats', meterSlug: 'active_users' },
    { key: 'priority-support', name: 'Priority support' },
  ];
  for (const feature of features) await ignoreKnown(post('/api/v1/features', feature));
};

const defineGate = async ({ get, post, gatewayUrl, webhookUrl }: FillOptions): Promise<void> => {
  if (gatewayUrl) {
    const gateway = { key: 'kong', name: 'Kong', driver: 'kong-acl', adminUrls: [gatewayUrl] };
    await ignoreKnown(post('/api/v1/access/gateways', gateway));
    const policy = { feature: 'api-requests', gateway: 'kong', leave: ['orders-access'] };
    await ignoreKnown(post('/api/v1/access/policies', policy));
  }
  if (!webhookUrl) return;
  const { items } = await get<Listed<{ id: string }>>('/api/v1/notification/channels');
  if (items.length > 0) return;
  const channel = await post<{ id: string }>('/api/v1/notification/channels', {
    type: 'WEBHOOK',
    name: 'operations',
    url: webhookUrl,
  });
  await post('/api/v1/notification/rules', {
    type: 'entitlements.balance.threshold',
    name: 'allowance used',
    channels: [channel.id],
    thresholds: [80, 100].map((value) => ({ type: 'usage_percentage', value })),
  });
};

const publishPlan = async ({ get, post }: FillOptions): Promise<void> => {
  const { items } = await get<Listed<{ key: string }>>('/api/v1/plans?key=growth');
  if (items.length > 0) return;
  const plan = await post<{ id: string }>('/api/v1/plans', {
    key: 'growth',
    name: 'Growth',
    description: 'A base fee, requests by the thousand beyond what is included, and seats.',
    currency: 'USD',
    billingCadence: 'P1M',
    phases: [
      {
        key: 'default',
        name: 'Default',
        duration: null,
        rateCards: [
          {
            type: 'flat_fee',
            key: 'base',
            name: 'Base fee',
            billingCadence: 'P1M',
            price: { type: 'flat', amount: '49', paymentTerm: 'in_advance' },
          },
          {
            type: 'usage_based',
            key: 'llm-tokens',
            name: 'LLM tokens',
            featureKey: 'llm-tokens',
            billingCadence: 'P1M',
            price: { type: 'unit', amount: '0.000002' },
          },
          {
            type: 'usage_based',
            key: 'seats',
            name: 'Seats',
            featureKey: 'seats',
            billingCadence: 'P1M',
            price: { type: 'unit', amount: '12' },
            entitlementTemplate: { type: 'boolean' },
          },
        ],
      },
    ],
  });
  await post(`/api/v1/plans/${plan.id}/publish`, {});
};

const addCustomers = async ({ get, post }: FillOptions): Promise<void> => {
  const usagePeriod = { interval: 'MONTH' };
  for (const { key, name, requests, tokens } of others) {
    await ignoreKnown(post('/api/v1/customers', { key, name, primaryEmail: `billing@${key}.example` }));
    const entitlement = {
      type: 'metered',
      featureKey: 'api-requests',
      issueAfterReset: requests,
      usagePeriod,
    };
    await ignoreKnown(post(`/api/v2/customers/${key}/entitlements`, entitlement));
    await ignoreKnown(
      post(`/api/v2/customers/${key}/entitlements`, {
        type: 'metered',
        featureKey: 'llm-tokens',
        issueAfterReset: tokens,
        isSoftLimit: true,
        usagePeriod,
      }),
    );
    await ignoreKnown(
      post(`/api/v2/customers/${key}/entitlements`, { type: 'boolean', featureKey: 'priority-support' }),
    );
  }
  for (const [key, name] of [
    ['acme-inc', 'Acme Inc'],
    ['globex', 'Globex'],
  ] as const) {
    await ignoreKnown(post('/api/v1/customers', { key, name }));
    await ignoreKnown(
      post(`/api/v2/customers/${key}/entitlements`, {
        type: 'metered',
        featureKey: 'api-requests',
        issueAfterReset: 3_000,
        usagePeriod,
      }),
    );
  }
  for (const key of ['acme-inc', 'initech', 'hooli', 'stark']) {
    const { items } = await get<Listed<unknown>>(`/api/v1/customers/${key}/subscriptions`);
    if (items.length === 0)
      await post('/api/v1/subscriptions', { customerKey: key, plan: { key: 'growth' } });
  }
};

type Usage = Record<string, unknown>;

/** Usage of the last day for the charts, and of now for the limits. */
/** What the two consumers of the demo use where no gateway sends for them. */
const ofConsumers = [
  { key: 'acme-inc', used: 2_764, usedTokens: 0 },
  { key: 'globex', used: 611, usedTokens: 0 },
] as const;

const sendUsage = async ({ post, now: clock, withConsumers = false }: FillOptions): Promise<void> => {
  const now = clock();
  // Ids follow from what they are, so that a second run sends nothing but duplicates.
  const event = (type: string, subject: string, id: string, at: number, data: Usage): Usage => ({
    specversion: '1.0',
    id: `demo-${id}`,
    source: 'demo',
    type,
    subject,
    time: new Date(at).toISOString(),
    data,
  });
  const routes = ['orders-v1', 'orders-v2', 'search'];
  const events: Usage[] = [];
  const users = [...others, ...(withConsumers ? ofConsumers : [])];
  for (const [place, { key, used, usedTokens }] of users.entries()) {
    for (let index = 0; index < 48; index += 1) {
      // The past of the charts: before an entitlement is there, usage is nobody's limit.
      const at = now - (48 - index) * (hourMs / 2);
      const wave = 10 + Math.round(7 * Math.sin((index + place * 5) / 6)) + (index % 3);
      for (let count = 0; count < wave; count += 1) {
        const data = { route_name: routes[(index + count) % 3], request_method: count % 4 ? 'GET' : 'POST' };
        events.push(event('kong.api_request', key, `${key}-past-${index}-${count}`, at + count, data));
      }
    }
    for (let count = 0; count < used; count += 1) {
      const data = { route_name: routes[count % 3], request_method: count % 5 ? 'GET' : 'POST' };
      events.push(event('kong.api_request', key, `${key}-${count}`, now, data));
    }
    for (let part = 0; usedTokens > 0 && part < 10; part += 1) {
      const share = part < 9 ? Math.floor(usedTokens / 10) : usedTokens - 9 * Math.floor(usedTokens / 10);
      const data = { model: part % 3 ? 'gpt-4o-mini' : 'claude-sonnet', total_tokens: share };
      events.push(event('kong.llm_request', key, `${key}-tokens-${part}`, now, data));
    }
  }
  for (const [place, user] of ['ada', 'grace', 'edsger', 'barbara', 'alan'].entries()) {
    for (const key of ['acme-inc', 'initech', 'hooli'].slice(0, 1 + (place % 3)))
      events.push(event('user.active', key, `${key}-${user}`, now, { user_id: user }));
  }
  // One that counts nowhere, so that the list shows what that looks like.
  events.push(event('kong.api_requst', 'stark', 'misspelled', now, { route_name: 'orders-v1' }));
  for (let start = 0; start < events.length; start += 2_000) {
    await post('/api/v1/events', events.slice(start, start + 2_000));
  }
};

const decideByHand = async ({ get, post }: FillOptions): Promise<void> => {
  const { items } = await get<Listed<unknown>>('/api/v1/access/holds');
  if (items.length === 0) {
    await post('/api/v1/access/holds', {
      customer: 'stark',
      feature: 'api-requests',
      kind: 'allow',
      reason: 'Upgrade agreed by phone; the new plan begins on Monday',
    });
  }
  const tokens = await get<Listed<{ name: string }>>('/api/v1/tokens');
  for (const [name, scopes] of [
    ['kong-eu-west', ['ingest']],
    ['reports', ['read']],
  ] as const) {
    if (!tokens.items.some((token) => token.name === name)) await post('/api/v1/tokens', { name, scopes });
  }
};

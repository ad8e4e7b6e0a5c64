import { cloudEvent } from './cloud-events';
import type { TestApp } from './test-app';
import { waitUntil } from './wait-until';

// biome-ignore lint/suspicious/noExplicitAny: answers are held against their schemas by the app under test
export type Answer = any;

/** What tests of billing ask of a control plane, over its public API. */
export const billingCalls = (app: Pick<TestApp, 'request'>) => {
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await app.request(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const invoicesOf = async (customerId: string, query = ''): Promise<Answer[]> =>
    (await call('GET', `/api/v1/billing/invoices?customers=${customerId}&expand=lines${query}`)).items;

  return {
    call,
    invoicesOf,

    /** The answer to a call that is refused. */
    refused: async (method: string, path: string, body?: unknown): Promise<Answer> => {
      const response = await app.request(method, path, body);
      const problem = (await response.json()) as object;
      if (response.ok) throw new Error(`${method} ${path} was expected to be refused: ${response.status}`);
      return { ...problem, status: response.status };
    },

    /** A meter that counts events of the type `<key>`, and the feature that reads it. */
    meterFeature: async (key: string) => {
      await call('POST', '/api/v1/meters', { slug: `${key}_total`, aggregation: 'COUNT', eventType: key });
      await call('POST', '/api/v1/features', { key, name: key, meterSlug: `${key}_total` });
    },

    send: async (type: string, subject: string, time: string | number, count = 1) => {
      const events = Array.from({ length: count }, () =>
        cloudEvent({ type, subject, time: new Date(time).toISOString() }),
      );
      const response = await app.request('POST', '/api/v1/events', events, {
        'content-type': 'application/cloudevents-batch+json',
      });
      if (response.status !== 204) throw new Error(`${response.status} ${await response.text()}`);
    },

    /** A plan in force, of one phase for ever unless `more` has others. */
    publish: async (key: string, rateCards: object[], more: object = {}) => {
      const plan = await call('POST', '/api/v1/plans', {
        key,
        name: key,
        currency: 'USD',
        billingCadence: 'P1M',
        phases: [{ key: 'default', name: 'Default', duration: null, rateCards }],
        ...more,
      });
      return call('POST', `/api/v1/plans/${plan.id}/publish`);
    },

    /** A customer whose key is its subject, subscribed to a plan. */
    subscribe: async (key: string, plan: string, more: object = {}) => {
      const usageAttribution = { subjectKeys: [key] };
      const customer = await call('POST', '/api/v1/customers', { key, name: key, usageAttribution });
      const body = { customerId: customer.id, plan: { key: plan }, ...more };
      return { customer, subscription: await call('POST', '/api/v1/subscriptions', body) };
    },

    accessOf: async (key: string): Promise<Answer> =>
      (await call('GET', `/api/v1/customers/${key}/access`)).entitlements,

    /** A customer's invoices of a status, as soon as there are so many. */
    settled: async (customerId: string, status: string, count = 1): Promise<Answer[]> => {
      const query = `&statuses=${status}`;
      await waitUntil(
        `${count} invoices ${status}`,
        async () => (await invoicesOf(customerId, query)).length >= count,
      );
      return invoicesOf(customerId, query);
    },
  };
};

export const usageCard = (key: string, amount: string, more: object = {}) => ({
  type: 'usage_based',
  key,
  name: key,
  featureKey: key,
  billingCadence: 'P1M',
  price: { type: 'unit', amount },
  ...more,
});

export const feeCard = (amount: string, more: object = {}) => ({
  type: 'flat_fee',
  key: 'base',
  name: 'Base fee',
  billingCadence: 'P1M',
  price: { type: 'flat', amount, paymentTerm: 'in_advance' },
  ...more,
});

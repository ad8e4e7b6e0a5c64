import { z } from 'zod';
import { type Customers, customersById } from '../../customers';
import { type CustomerAccess, queryAccess, type ValueReader } from '../../entitlements';
import type { Clock } from '../../primitives/clock';
import type { Database } from '../../storage';
import { plainText, timeText, toTimeText } from '../openmeter/fields';
import { defineRoute, json, type Route } from '../route';
import { customerAnswer, customerSchema } from './customer-answer';

const nameLimit = 100;
const names = z.array(plainText(1, 1_024)).min(1).max(nameLimit);

const queryBody = z.object({
  customer: z.object({ keys: names.describe('Ids, keys or subjects of customers.') }),
  feature: z.object({ keys: names }).optional(),
  include_credits: z
    .boolean()
    .default(false)
    .describe('There are no credits: no feature is refused for them.'),
});

const reasonSchema = z.object({
  code: z.enum([
    'unknown',
    'usage_limit_reached',
    'feature_unavailable',
    'feature_not_found',
    'no_credit_available',
  ]),
  message: z.string(),
});

const querySchema = z.object({
  data: z.array(
    z.object({
      matched: z.array(z.string()).describe('The names of the question that mean this customer.'),
      customer: customerSchema,
      features: z.record(z.string(), z.object({ has_access: z.boolean(), reason: reasonSchema.optional() })),
      updated_at: timeText,
    }),
  ),
  errors: z.array(
    z.object({
      code: z.enum(['unknown', 'customer_not_found']),
      message: z.string(),
      customer: z.string().optional(),
    }),
  ),
  meta: z.object({
    page: z.object({ size: z.number().int(), next: z.string().nullable(), previous: z.string().nullable() }),
  }),
});

const listSchema = z.object({
  data: z.array(
    z.object({
      type: z.enum(['metered', 'static', 'boolean']),
      feature_key: z.string(),
      has_access: z.boolean(),
      config: z.string().optional(),
    }),
  ),
});

type FeatureAccess = { has_access: boolean; reason?: z.output<typeof reasonSchema> };

const granted: FeatureAccess = { has_access: true };
const limitReached: FeatureAccess = {
  has_access: false,
  reason: { code: 'usage_limit_reached', message: 'the allowance of this usage period is used up' },
};
const unavailable: FeatureAccess = {
  has_access: false,
  reason: { code: 'feature_unavailable', message: 'the customer is not entitled to this feature' },
};
const notFound: FeatureAccess = {
  has_access: false,
  reason: { code: 'feature_not_found', message: 'there is no such feature' },
};

const featuresOf = (
  { features }: CustomerAccess,
  asked: readonly string[] | undefined,
  known: ReadonlySet<string>,
): Record<string, FeatureAccess> => {
  const accessOf = (key: string): FeatureAccess => {
    const hasAccess = features.get(key);
    if (hasAccess === undefined) return known.has(key) ? unavailable : notFound;
    return hasAccess ? granted : limitReached;
  };
  return Object.fromEntries((asked ?? [...features.keys()]).map((key) => [key, accessOf(key)]));
};

export interface EntitlementAccessRoutesOptions {
  customers: Customers;
  values: ValueReader;
  database: Database;
  clock: Clock;
}

/** Konnect's questions about access, which its entitlement-enforcement plugin asks again and again. */
export const entitlementAccessRoutes = (options: EntitlementAccessRoutesOptions): Route[] => [
  queryRoute(options),
  listRoute(options),
];

const queryRoute = ({ database, clock }: EntitlementAccessRoutesOptions): Route =>
  defineRoute({
    method: 'post',
    path: '/entitlement-access/query',
    scope: 'read',
    tag: 'Entitlement access',
    summary: 'Which of up to 100 features up to 100 customers have access to',
    body: queryBody,
    responses: { 200: { description: 'Access by customer and feature.', schema: querySchema } },
    handle: async ({ body }) => {
      const now = clock.now();
      const asked = body.feature?.keys;
      const { customers, knownFeatures } = await queryAccess(database, body.customer.keys, asked, now);
      const details = await customersById(
        database,
        customers.map(({ customerId }) => customerId),
      );
      const matched = new Set(customers.flatMap((one) => one.matched));
      const updatedAt = toTimeText(now);
      return json(200, {
        data: customers.map((one) => ({
          matched: one.matched,
          customer: customerAnswer(details.get(one.customerId)!),
          features: featuresOf(one, asked, knownFeatures),
          updated_at: updatedAt,
        })),
        errors: [...new Set(body.customer.keys)]
          .filter((name) => !matched.has(name))
          .map((name) => ({
            code: 'customer_not_found',
            message: `no customer has the id, key or subject "${name}"`,
            customer: name,
          })),
        meta: { page: { size: nameLimit, next: null, previous: null } },
      });
    },
  });

const listRoute = ({ customers, values }: EntitlementAccessRoutesOptions): Route =>
  defineRoute({
    method: 'get',
    path: '/customers/{customerId}/entitlement-access',
    scope: 'read',
    tag: 'Entitlement access',
    summary: 'Everything one customer is entitled to, and whether it has access',
    params: z.object({ customerId: plainText(1, 256) }),
    responses: { 200: { description: 'One entry an entitlement.', schema: listSchema } },
    handle: async ({ params }) => {
      const customer = await customers.get(params.customerId);
      const all = await values.ofCustomer(customer.id);
      return json(200, {
        data: all.map(({ type, featureKey, hasAccess, config }) => ({
          type,
          feature_key: featureKey,
          has_access: hasAccess,
          ...(config === undefined ? {} : { config }),
        })),
      });
    },
  });

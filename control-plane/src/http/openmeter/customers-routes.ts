import { z } from 'zod';
import { type Customer, type CustomerDetails, type Customers, listCustomers } from '../../customers';
import type { ValueReader } from '../../entitlements';
import type { Database } from '../../storage';
import { defineRoute, json, noContent, type Route } from '../route';
import { valueAnswer, valueSchema } from './entitlement-answers';
import { metadata, optionalTimeText, plainText, queryFlag, timeText, toTimeText } from './fields';
import { listingQuery, pageOf, pageSchema, sliceOf } from './listing';

const address = z.object({
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code')
    .optional(),
  postalCode: plainText(0, 64).optional(),
  state: plainText(0, 256).optional(),
  city: plainText(0, 256).optional(),
  line1: plainText(0, 512).optional(),
  line2: plainText(0, 512).optional(),
  phoneNumber: plainText(0, 64).optional(),
});

const customerBody = z.object({
  name: plainText(1, 256),
  key: plainText(1, 256).optional(),
  description: plainText(0, 1_024).optional(),
  metadata: metadata.nullish(),
  usageAttribution: z.object({ subjectKeys: z.array(plainText(1, 1_024)).max(1_000) }).optional(),
  primaryEmail: plainText(0, 320).optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')
    .optional(),
  billingAddress: address.optional(),
});

const customerSchema = z.object({
  id: z.string(),
  key: z.string().optional(),
  name: z.string(),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  usageAttribution: z.object({ subjectKeys: z.array(z.string()) }),
  primaryEmail: z.string().optional(),
  currency: z.string().optional(),
  billingAddress: address.optional(),
  annotations: z.record(z.string(), z.unknown()).optional(),
  createdAt: timeText,
  updatedAt: timeText,
  deletedAt: timeText.optional(),
});

const detailsOf = (body: z.output<typeof customerBody>): CustomerDetails => ({
  key: body.key ?? null,
  name: body.name,
  description: body.description ?? null,
  primaryEmail: body.primaryEmail ?? null,
  currency: body.currency ?? null,
  billingAddress: body.billingAddress ?? null,
  metadata: body.metadata ?? {},
  subjectKeys: body.usageAttribution?.subjectKeys ?? [],
});

const answerOf = (customer: Customer): z.input<typeof customerSchema> => ({
  id: customer.id,
  key: customer.key ?? undefined,
  name: customer.name,
  description: customer.description ?? undefined,
  metadata: customer.metadata,
  usageAttribution: { subjectKeys: customer.subjectKeys },
  primaryEmail: customer.primaryEmail ?? undefined,
  currency: customer.currency ?? undefined,
  billingAddress: customer.billingAddress ?? undefined,
  annotations: Object.keys(customer.annotations).length > 0 ? customer.annotations : undefined,
  createdAt: toTimeText(customer.createdAt),
  updatedAt: toTimeText(customer.updatedAt),
  deletedAt: optionalTimeText(customer.deletedAt),
});

const byIdOrKey = z.object({ customerIdOrKey: plainText(1, 256) });
const one = { description: 'The customer.', schema: customerSchema };

export interface CustomerRoutesOptions {
  customers: Customers;
  values: ValueReader;
  database: Database;
}

/** OpenMeter's customers, and what they have access to. */
export const customerRoutes = ({ customers, values, database }: CustomerRoutesOptions): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/v1/customers',
    scope: 'manage',
    tag: 'Customers',
    summary: 'Create a customer',
    body: customerBody,
    responses: { 201: one },
    handle: async ({ body }) => json(201, answerOf(await customers.create(detailsOf(body)))),
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/customers',
    scope: 'read',
    tag: 'Customers',
    summary: 'List customers',
    query: z.object({
      ...listingQuery,
      key: plainText(1, 256).optional(),
      name: plainText(1, 256).optional(),
      primaryEmail: plainText(1, 320).optional(),
      subject: plainText(1, 1_024).optional(),
      search: plainText(1, 256)
        .optional()
        .describe('Part of the key, the name, the e-mail address or a subject; ours.'),
      includeDeleted: queryFlag.default(false),
      orderBy: z.enum(['id', 'key', 'name', 'createdAt']).default('name'),
    }),
    responses: { 200: { description: 'One page.', schema: pageSchema(customerSchema) } },
    handle: async ({ query }) => {
      const { items, totalCount } = await listCustomers(
        database,
        { ...query, isDescending: query.order === 'DESC' },
        sliceOf(query),
      );
      return json(200, pageOf(query, items.map(answerOf), totalCount));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/customers/{customerIdOrKey}',
    scope: 'read',
    tag: 'Customers',
    summary: 'Get a customer',
    params: byIdOrKey,
    responses: { 200: one },
    handle: async ({ params }) => json(200, answerOf(await customers.get(params.customerIdOrKey))),
  }),
  defineRoute({
    method: 'put',
    path: '/api/v1/customers/{customerIdOrKey}',
    scope: 'manage',
    tag: 'Customers',
    summary: 'Replace a customer',
    params: byIdOrKey,
    body: customerBody,
    responses: { 200: one },
    handle: async ({ params, body }) =>
      json(200, answerOf(await customers.replace(params.customerIdOrKey, detailsOf(body)))),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/customers/{customerIdOrKey}',
    scope: 'manage',
    tag: 'Customers',
    summary: 'Delete a customer; its entitlements end',
    params: byIdOrKey,
    responses: { 204: { description: 'It is deleted.' } },
    handle: async ({ params }) => {
      await customers.delete(params.customerIdOrKey);
      return noContent;
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/customers/{customerIdOrKey}/access',
    scope: 'read',
    tag: 'Customers',
    summary: 'Everything the customer is entitled to, with its value',
    params: byIdOrKey,
    responses: {
      200: {
        description: 'Values by feature key.',
        schema: z.object({ entitlements: z.record(z.string(), valueSchema) }),
      },
    },
    handle: async ({ params }) => {
      const customer = await customers.get(params.customerIdOrKey);
      const all = await values.ofCustomer(customer.id);
      return json(200, {
        entitlements: Object.fromEntries(all.map((value) => [value.featureKey, valueAnswer(value)])),
      });
    },
  }),
];

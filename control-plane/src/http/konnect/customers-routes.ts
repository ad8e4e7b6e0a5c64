import { z } from 'zod';
import { type CustomerDetails, type Customers, searchCustomers } from '../../customers';
import type { Database } from '../../storage';
import { plainText } from '../openmeter/fields';
import { defineRoute, json, noContent, type Route } from '../route';
import { customerAnswer, customerSchema } from './customer-answer';
import { description, idOrKey, labels, name } from './fields';
import { listQuery, pageAnswer, pageSchema, sliceOf } from './listing';

const tag = 'Konnect: customers';

const address = z.strictObject({
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code')
    .optional(),
  postal_code: plainText(0, 64).optional(),
  state: plainText(0, 256).optional(),
  city: plainText(0, 256).optional(),
  line1: plainText(0, 512).optional(),
  line2: plainText(0, 512).optional(),
  phone_number: plainText(0, 64).optional(),
});

const upsertBody = z.strictObject({
  name,
  description: description.optional(),
  labels: labels.optional(),
  usage_attribution: z.strictObject({ subject_keys: z.array(plainText(1, 1_024)).max(1_000) }).optional(),
  primary_email: plainText(0, 320).optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')
    .optional(),
  billing_address: address.optional(),
});

const createBody = upsertBody.extend({ key: plainText(1, 256) });

const detailsOf = (body: z.output<typeof upsertBody>, key: string | null): CustomerDetails => {
  const given = body.billing_address;
  return {
    key,
    name: body.name,
    description: body.description ?? null,
    primaryEmail: body.primary_email ?? null,
    currency: body.currency ?? null,
    billingAddress: given
      ? {
          country: given.country,
          postalCode: given.postal_code,
          state: given.state,
          city: given.city,
          line1: given.line1,
          line2: given.line2,
          phoneNumber: given.phone_number,
        }
      : null,
    metadata: body.labels ?? {},
    subjectKeys: body.usage_attribution?.subject_keys ?? [],
  };
};

const params = z.object({ customerId: idOrKey });
const path = '/customers/{customerId}';
const one = { description: 'The customer.', schema: customerSchema };
const columns = { id: 'id', name: 'name', created_at: 'createdAt' } as const;

export interface CustomersOptions {
  customers: Customers;
  database: Database;
}

/** Customers in v3's shape. */
export const customersRoutes = ({ customers, database }: CustomersOptions): Route[] => [
  defineRoute({
    method: 'post',
    path: '/customers',
    scope: 'manage',
    tag,
    summary: 'Create a customer',
    body: createBody,
    responses: { 201: one },
    handle: async ({ body }) => json(201, customerAnswer(await customers.create(detailsOf(body, body.key)))),
  }),
  defineRoute({
    method: 'get',
    path: '/customers',
    scope: 'read',
    tag,
    summary: 'List customers',
    query: listQuery(
      ['key', 'name', 'primary_email', 'usage_attribution_subject_key'],
      ['id', 'name', 'created_at'],
      'name',
    ),
    responses: { 200: { description: 'One page.', schema: pageSchema(customerSchema) } },
    handle: async ({ query: { page, sort, filter } }) => {
      const { items, totalCount } = await searchCustomers(database, {
        conditions: {
          key: filter.key,
          name: filter.name,
          primaryEmail: filter.primary_email,
          subject: filter.usage_attribution_subject_key,
        },
        orderBy: columns[sort.orderBy],
        isDescending: sort.isDescending,
        ...sliceOf(page),
      });
      return json(200, pageAnswer(items.map(customerAnswer), page, totalCount));
    },
  }),
  defineRoute({
    method: 'get',
    path,
    scope: 'read',
    tag,
    summary: 'Get a customer by id or key',
    params,
    responses: { 200: one },
    handle: async (input) => json(200, customerAnswer(await customers.get(input.params.customerId))),
  }),
  defineRoute({
    method: 'put',
    path,
    scope: 'manage',
    tag,
    summary: 'Replace a customer; its key stays',
    params,
    body: upsertBody,
    responses: { 200: one },
    handle: async ({ params: { customerId }, body }) => {
      const customer = await customers.get(customerId);
      return json(200, customerAnswer(await customers.replace(customer.id, detailsOf(body, customer.key))));
    },
  }),
  defineRoute({
    method: 'delete',
    path,
    scope: 'manage',
    tag,
    summary: 'Delete a customer; its entitlements end',
    params,
    responses: { 204: { description: 'It is deleted.' } },
    handle: async (input) => {
      await customers.delete(input.params.customerId);
      return noContent;
    },
  }),
];

import { z } from 'zod';
import { type InvoiceDocument, type Invoices, invoiceStatuses } from '../../billing';
import { defineRoute, json, noContent, type Route } from '../route';
import { plainText, queryFlag, repeated, time } from './fields';
import {
  invoiceLineSchema,
  invoicePendingBody,
  invoiceSchema,
  invoiceUpdateBody,
  newLineOf,
  pendingLinesBody,
  simulationBody,
  voidBody,
} from './invoice-schemas';
import { listingQuery, pageOf, pageSchema, sliceOf } from './listing';

const tag = 'Billing';
const params = z.object({ invoiceId: plainText(1, 64) });
const path = '/api/v1/billing/invoices/{invoiceId}';
const customerPath = '/api/v1/billing/customers/{customerId}/invoices';
const customerParams = z.object({ customerId: plainText(1, 256) });
const expand = repeated(z.enum(['lines', 'preceding', 'workflow.apps']), 3);

const listQuery = z.object({
  ...listingQuery,
  statuses: repeated(z.enum(invoiceStatuses), invoiceStatuses.length).optional(),
  extendedStatuses: repeated(z.string().max(64), 50).optional(),
  issuedAfter: time.optional(),
  issuedBefore: time.optional(),
  periodStartAfter: time.optional(),
  periodStartBefore: time.optional(),
  createdAfter: time.optional(),
  createdBefore: time.optional(),
  expand: expand.optional(),
  customers: repeated(z.string().max(64), 100).optional(),
  includeDeleted: queryFlag.default(false),
  orderBy: z
    .enum(['customer.name', 'issuedAt', 'status', 'createdAt', 'updatedAt', 'periodStart'])
    .default('createdAt'),
});

const withoutLines = ({ lines: _lines, ...invoice }: InvoiceDocument) => invoice;

/** OpenMeter's invoices. One that still gathers shows what it would bill now. */
export const invoiceRoutes = (invoices: Invoices): Route[] => {
  const one = { 200: { description: 'The invoice.', schema: invoiceSchema } };
  const action = (name: string, summary: string, act: (id: string) => Promise<InvoiceDocument>): Route =>
    defineRoute({
      method: 'post',
      path: `${path}/${name}`,
      scope: 'manage',
      tag,
      summary,
      params,
      responses: one,
      handle: async ({ params: { invoiceId } }) => json(200, await act(invoiceId)),
    });

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/billing/invoices',
      scope: 'read',
      tag,
      summary: 'List invoices; lines only where expand=lines',
      query: listQuery,
      responses: { 200: { description: 'One page.', schema: pageSchema(invoiceSchema) } },
      handle: async ({ query }) => {
        const { items, totalCount } = await invoices.list(
          {
            ...query,
            customerIds: query.customers,
            states: query.extendedStatuses,
            isDescending: query.order === 'DESC',
          },
          sliceOf(query),
        );
        const answers = query.expand?.includes('lines') ? items : items.map(withoutLines);
        return json(200, pageOf(query, answers, totalCount));
      },
    }),
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'Get an invoice with its lines',
      params,
      query: z.object({ expand: expand.optional(), includeDeletedLines: queryFlag.optional() }),
      responses: one,
      handle: async ({ params: { invoiceId } }) => json(200, await invoices.get(invoiceId)),
    }),
    defineRoute({
      method: 'put',
      path,
      scope: 'manage',
      tag,
      summary: "Change an invoice's description and metadata",
      params,
      body: invoiceUpdateBody,
      responses: one,
      handle: async ({ params: { invoiceId }, body }) => {
        const change = { description: body.description ?? null, metadata: body.metadata ?? {} };
        const lineIds = body.lines.map(({ id }) => id);
        return json(200, await invoices.describe(invoiceId, change, lineIds));
      },
    }),
    defineRoute({
      method: 'delete',
      path,
      scope: 'manage',
      tag,
      summary: 'Delete a draft; its lines are not billed',
      params,
      responses: { 204: { description: 'It is deleted.' } },
      handle: async ({ params: { invoiceId } }) => {
        await invoices.delete(invoiceId);
        return noContent;
      },
    }),
    action('advance', 'Take an invoice through every step that is due', invoices.advance),
    action('approve', 'Issue a draft now and collect its payment', invoices.approve),
    action('retry', 'Try to collect the payment again', invoices.retry),
    action(
      'snapshot-quantities',
      'Fix the quantities without waiting for late events',
      invoices.snapshotQuantities,
    ),
    action('taxes/recalculate', 'No tax is computed: answers the invoice as it is', invoices.get),
    defineRoute({
      method: 'post',
      path: `${path}/void`,
      scope: 'manage',
      tag,
      summary: 'Declare an issued invoice void',
      params,
      body: voidBody,
      responses: one,
      handle: async ({ params: { invoiceId }, body }) =>
        json(200, await invoices.void(invoiceId, body.reason)),
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/billing/invoices/invoice',
      scope: 'manage',
      tag,
      summary: "Invoice a customer's pending lines that are due",
      body: invoicePendingBody,
      responses: { 201: { description: 'One a currency.', schema: z.array(invoiceSchema) } },
      handle: async ({ body }) =>
        json(
          201,
          await invoices.invoicePendingLines(body.customerId, {
            lineIds: body.filters?.lineIds,
            asOf: body.asOf,
          }),
        ),
    }),
    defineRoute({
      method: 'post',
      path: `${customerPath}/pending-lines`,
      scope: 'manage',
      tag,
      summary: "Add lines to a customer's gathering invoice",
      params: customerParams,
      body: pendingLinesBody,
      responses: {
        201: {
          description: 'The lines and the invoice that they wait on.',
          schema: z.object({
            lines: z.array(invoiceLineSchema),
            invoice: invoiceSchema,
            isInvoiceNew: z.boolean(),
          }),
        },
      },
      handle: async ({ params: { customerId }, body }) =>
        json(201, await invoices.addPendingLines(customerId, body.currency, body.lines.map(newLineOf))),
    }),
    defineRoute({
      method: 'post',
      path: `${customerPath}/simulate`,
      scope: 'read',
      tag,
      summary: 'What lines would cost if so much was used',
      params: customerParams,
      body: simulationBody,
      responses: one,
      handle: async ({ params: { customerId }, body }) => {
        const lines = body.lines.map((line) => ({
          ...newLineOf(line),
          quantity: line.quantity,
          preLinePeriodQuantity: line.preLinePeriodQuantity,
        }));
        return json(200, await invoices.simulate(customerId, body.currency, lines, body.number));
      },
    }),
  ];
};

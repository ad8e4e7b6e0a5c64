import { z } from 'zod';
import type { InvoiceDocument } from '../../billing';
import { aggregations } from '../../metering';
import type { OwnLimit, PortalView } from '../../portal/portal-view';
import { formatQuantity, ZERO } from '../../primitives/decimal';
import { plainText, timeText, toTimeText } from '../openmeter/fields';
import { defineRoute, json, type Route } from '../route';

const tag = 'Portal';
const quantity = z.string().describe('Decimal text, exact.');
const period = z.object({ from: timeText, to: timeText });

const selfSchema = z
  .object({
    subject: z.string(),
    expiresAt: timeText,
    customer: z.object({ key: z.string().nullable(), name: z.string() }).nullable(),
    seesLimits: z.boolean(),
    seesInvoices: z.boolean(),
    meters: z.array(z.object({ slug: z.string(), name: z.string(), aggregation: z.enum(aggregations) })),
  })
  .meta({ id: 'PortalSelf' });

const limitSchema = z
  .object({
    feature: z.string(),
    name: z.string(),
    meter: z.string().nullable(),
    type: z.enum(['metered', 'static', 'boolean']),
    hasAccess: z.boolean(),
    isSoftLimit: z.boolean(),
    usage: quantity.nullable(),
    allowance: quantity.nullable().describe('What may be used in the period; decimal text, exact.'),
    left: quantity.nullable(),
    period: period.nullable(),
    config: z.string().nullable().describe('Of static ones, JSON text.'),
  })
  .meta({ id: 'PortalLimit' });

const limitBody = (limit: OwnLimit): z.input<typeof limitSchema> => {
  const { value } = limit;
  const { standing } = value;
  return {
    feature: value.featureKey,
    name: limit.featureName,
    meter: limit.meterSlug ?? null,
    type: value.type,
    hasAccess: value.hasAccess,
    isSoftLimit: limit.isSoftLimit,
    usage: standing ? formatQuantity(standing.usage) : null,
    allowance: standing ? formatQuantity(maximum(standing.exhaustsAtUsage)) : null,
    left: standing ? formatQuantity(standing.balance) : null,
    period: limit.period ? { from: toTimeText(limit.period.from), to: toTimeText(limit.period.to) } : null,
    config: value.config ?? null,
  };
};

/** Overage that was carried into a period can leave less than nothing. */
const maximum = (quantityOrLess: typeof ZERO): typeof ZERO =>
  quantityOrLess.isNegative() ? ZERO : quantityOrLess;

const lineSchema = z.object({
  name: z.string(),
  period,
  quantity: quantity.nullable(),
  total: quantity,
  details: z.array(z.object({ name: z.string(), quantity, perUnitAmount: quantity, total: quantity })),
});

const invoiceSchema = z
  .object({
    id: z.string(),
    number: z.string(),
    status: z.string().describe('`gathering`: what has come together for the next invoice until now.'),
    currency: z.string(),
    total: quantity,
    period: period.nullable(),
    issuedAt: timeText.nullable(),
    dueAt: timeText.nullable(),
    lines: z.array(lineSchema),
  })
  .meta({ id: 'PortalInvoice' });

const invoiceBody = (invoice: InvoiceDocument): z.input<typeof invoiceSchema> => ({
  id: invoice.id,
  number: invoice.number,
  status: invoice.status,
  currency: invoice.currency,
  total: invoice.totals.total,
  period: invoice.period ?? null,
  issuedAt: invoice.issuedAt ?? null,
  dueAt: invoice.dueAt ?? null,
  lines: invoice.lines.map((line) => ({
    name: line.name,
    period: line.period,
    quantity: line.quantity ?? null,
    total: line.totals.total,
    details: line.children.map((detail) => ({
      name: detail.name,
      quantity: detail.quantity,
      perUnitAmount: detail.perUnitAmount,
      total: detail.totals.total,
    })),
  })),
});

/** A customer's own view; the meter query is OpenMeter's and stands beside the tokens. */
export const portalViewRoutes = (view: PortalView): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/portal/self',
    scope: 'portal',
    tag,
    summary: 'Whose token this is, and what it may read',
    responses: { 200: { description: 'The reader.', schema: selfSchema } },
    handle: async ({ identity }) => {
      const reader = identity.portal!;
      const { customer, seesLimits, seesInvoices, meters } = await view.self(reader);
      return json(200, {
        subject: reader.subject,
        expiresAt: toTimeText(reader.expiresAt),
        customer: customer ? { key: customer.key, name: customer.name } : null,
        seesLimits,
        seesInvoices,
        meters: meters.map(({ slug, name, aggregation }) => ({ slug, name: name ?? slug, aggregation })),
      });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/portal/limits',
    scope: 'portal',
    tag,
    summary: "The limits of the token's customer, with what is used of them",
    responses: {
      200: { description: 'All of them.', schema: z.object({ items: z.array(limitSchema) }) },
      403: { description: 'The token is for a part of the customer.' },
      404: { description: 'The subject belongs to no customer.' },
    },
    handle: async ({ identity }) =>
      json(200, { items: (await view.limits(identity.portal!)).map(limitBody) }),
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/portal/invoices',
    scope: 'portal',
    tag,
    summary: "The invoices of the token's customer, the newest first; drafts are left out",
    query: z.object({
      page: z.coerce.number().int().min(1).max(1_000).default(1),
      pageSize: z.coerce.number().int().min(1).max(100).default(25),
    }),
    responses: {
      200: {
        description: 'A page.',
        schema: z.object({
          items: z.array(invoiceSchema),
          page: z.int(),
          pageSize: z.int(),
          totalCount: z.int(),
        }),
      },
      403: { description: 'The token is for a part of the customer, or for some meters.' },
      404: { description: 'The subject belongs to no customer.' },
    },
    handle: async ({ identity, query: { page, pageSize } }) => {
      const slice = { limit: pageSize, offset: (page - 1) * pageSize };
      const { items, totalCount } = await view.invoices(identity.portal!, slice);
      return json(200, { items: items.map(invoiceBody), page, pageSize, totalCount });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/portal/invoices/{invoiceId}',
    scope: 'portal',
    tag,
    summary: "One of the customer's invoices",
    params: z.object({ invoiceId: plainText(1, 64) }),
    responses: {
      200: { description: 'The invoice.', schema: invoiceSchema },
      403: { description: 'The token is for a part of the customer, or for some meters.' },
      404: { description: 'There is no such invoice of this customer.' },
    },
    handle: async ({ identity, params: { invoiceId } }) =>
      json(200, invoiceBody(await view.invoice(identity.portal!, invoiceId))),
  }),
];

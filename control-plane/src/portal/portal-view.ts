import type { InvoiceDocument, Invoices } from '../billing';
import { type Customer, findCustomerBySubject } from '../customers';
import {
  type EntitlementValue,
  listEntitlements,
  loadEntitlements,
  type ValueReader,
  viewEntitlements,
} from '../entitlements';
import type { MeterCatalog } from '../metering';
import type { Clock } from '../primitives/clock';
import type { Period } from '../primitives/periods';
import { notFound, Refusal } from '../primitives/refusal';
import type { Database } from '../storage';

/** What a portal token says about who may see what. */
export interface PortalReader {
  subject: string;
  /** Null where every meter may be read. */
  meterSlugs: readonly string[] | null;
}

/** An entitlement as its customer sees it. */
export interface OwnLimit {
  value: EntitlementValue;
  featureName: string;
  meterSlug: string | undefined;
  isSoftLimit: boolean;
  /** Of metered ones. */
  period: Period | undefined;
}

/** Entitlements shown to one customer at most. */
const maximumLimits = 200;
const maximumMeters = 1_000;

/** A draft can still change, so its customer does not see it. */
const shownStatuses = [
  'gathering',
  'issued',
  'payment_processing',
  'overdue',
  'paid',
  'uncollectible',
  'voided',
] as const;

export interface PortalViewOptions {
  database: Database;
  clock: Clock;
  meters: MeterCatalog;
  values: ValueReader;
  invoices: Invoices;
}

/**
 * What a customer's browser sees. Usage is that of the token's subject. Limits and invoices are the whole customer's, so
 * they are shown only where the subject stands for the whole customer: it is the customer's key, or its only subject.
 */
export const createPortalView = ({ database, clock, meters, values, invoices }: PortalViewOptions) => {
  const customerOf = async ({ subject }: PortalReader) => {
    const customer = await findCustomerBySubject(database, subject);
    if (!customer) return { customer: undefined, isWhole: false };
    const subjects = new Set([...customer.subjectKeys, ...(customer.key === null ? [] : [customer.key])]);
    return { customer, isWhole: subject === customer.key || subjects.size === 1 };
  };

  /** @throws Refusal `portal_token_partial` */
  const wholeCustomer = async (reader: PortalReader): Promise<Customer> => {
    const { customer, isWhole } = await customerOf(reader);
    if (!customer) throw notFound('customer of the subject', reader.subject);
    if (!isWhole) {
      const message =
        'limits and invoices are those of the whole customer; make the portal token for its key instead of one of its subjects';
      throw new Refusal('forbidden', 'portal_token_partial', message);
    }
    return customer;
  };

  /** @throws Refusal `portal_token_partial`, `portal_token_restricted` */
  const payer = async (reader: PortalReader): Promise<Customer> => {
    const customer = await wholeCustomer(reader);
    if (reader.meterSlugs !== null) {
      const message = 'this portal token reads some meters only, and no invoices';
      throw new Refusal('forbidden', 'portal_token_restricted', message);
    }
    return customer;
  };

  return {
    /** Who reads, and what it may read. */
    self: async (reader: PortalReader) => {
      const { customer, isWhole } = await customerOf(reader);
      const all = await meters.list({
        orderBy: 'key',
        order: 'ASC',
        includeDeleted: false,
        limit: maximumMeters,
        offset: 0,
      });
      return {
        customer,
        seesLimits: isWhole,
        seesInvoices: isWhole && reader.meterSlugs === null,
        meters: all.filter(({ slug }) => reader.meterSlugs?.includes(slug) ?? true),
      };
    },

    /** Its limits; those of meters that it may not read are left out. */
    limits: async (reader: PortalReader): Promise<OwnLimit[]> => {
      const customer = await wholeCustomer(reader);
      const now = clock.now();
      const { items } = await listEntitlements(
        database,
        {
          customerIds: [customer.id],
          includeDeleted: false,
          activeAt: now,
          orderBy: 'createdAt',
          isDescending: false,
        },
        { limit: maximumLimits, offset: 0 },
      );
      const valuesById = new Map(
        (await values.ofCustomer(customer.id)).map((value) => [value.entitlementId, value]),
      );
      const loaded = await loadEntitlements(
        database,
        items.map(({ id }) => ({ id, at: now })),
      );
      const featureOf = new Map(loaded.map(({ entitlement, feature }) => [entitlement.id, feature]));
      const views = await viewEntitlements(database, items, now);
      return views.flatMap(({ entitlement, usage }) => {
        const value = valuesById.get(entitlement.id);
        const feature = featureOf.get(entitlement.id);
        const meterSlug = feature?.meter?.meter.slug;
        const isShown = reader.meterSlugs === null || (meterSlug && reader.meterSlugs.includes(meterSlug));
        if (!value || !feature || !isShown) return [];
        return [
          {
            value,
            featureName: feature.name,
            meterSlug,
            isSoftLimit: entitlement.type === 'metered' && entitlement.isSoftLimit,
            period: usage?.period,
          },
        ];
      });
    },

    /** Its invoices, the newest first, and what has gathered for the next one. */
    invoices: async (reader: PortalReader, slice: { limit: number; offset: number }) => {
      const customer = await payer(reader);
      return invoices.list(
        {
          customerIds: [customer.id],
          statuses: shownStatuses,
          includeDeleted: false,
          orderBy: 'createdAt',
          isDescending: true,
        },
        slice,
      );
    },

    /** One of its invoices; any other one does not exist for it. */
    invoice: async (reader: PortalReader, id: string): Promise<InvoiceDocument> => {
      const customer = await payer(reader);
      const invoice = await invoices.get(id);
      const isOwn = invoice.customer.id === customer.id && invoice.deletedAt === undefined;
      if (!isOwn || !shownStatuses.some((status) => status === invoice.status)) throw notFound('invoice', id);
      return invoice;
    },
  };
};

export type PortalView = ReturnType<typeof createPortalView>;

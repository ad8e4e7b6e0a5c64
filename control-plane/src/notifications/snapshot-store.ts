import type { Evaluation } from '../entitlements';
import type { Queryable } from '../storage';

export interface CustomerFacts {
  id: string;
  key: string | null;
  name: string;
  description: string | null;
  primaryEmail: string | null;
  currency: string | null;
  billingAddress: unknown;
  metadata: Record<string, string>;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
  /** The listed ones, in their order. */
  subjectKeys: string[];
}

export interface SubjectFacts {
  id: string;
  key: string;
  displayName: string | null;
  metadata: Record<string, unknown>;
  stripeCustomerId: string | null;
  createdAt: number;
  updatedAt: number;
}

export interface FeatureFacts {
  id: string;
  metadata: Record<string, string>;
  createdAt: number;
  updatedAt: number;
  archivedAt: number | null;
}

/** What payloads show beside the evaluation itself. */
export interface SnapshotFacts {
  customers: ReadonlyMap<string, CustomerFacts>;
  /** By key; a customer's subject need not be recorded as a subject. */
  subjects: ReadonlyMap<string, SubjectFacts>;
  features: ReadonlyMap<string, FeatureFacts>;
}

/** Reads what the payloads of these evaluations show: one statement a table, however many there are. */
export const readSnapshotFacts = async (
  queryable: Queryable,
  evaluations: readonly Evaluation[],
): Promise<SnapshotFacts> => {
  const { arrays } = queryable;
  const customerIds = [...new Set(evaluations.map(({ entitlement }) => entitlement.customerId))];
  const featureIds = [...new Set(evaluations.map(({ feature }) => feature.id))];
  const customers = await queryable.query<CustomerFacts>(
    `SELECT id, key, name, description, primary_email AS "primaryEmail", currency, billing_address AS "billingAddress",
       metadata, created_at AS "createdAt", updated_at AS "updatedAt", deleted_at AS "deletedAt",
       (SELECT coalesce(jsonb_agg(s.subject ORDER BY s.position, s.subject), '[]') FROM customer_subject s
        WHERE s.customer_id = customer.id AND s.is_listed) AS "subjectKeys"
     FROM customer WHERE id = ANY ($1::text[])`,
    [arrays.text(customerIds)],
  );
  const byId = new Map(customers.rows.map((customer) => [customer.id, customer]));
  const keys = evaluations.map((evaluation) => subjectKeyOf(evaluation, byId));
  const subjects = await queryable.query<SubjectFacts>(
    `SELECT id, key, display_name AS "displayName", metadata, stripe_customer_id AS "stripeCustomerId",
       created_at AS "createdAt", updated_at AS "updatedAt"
     FROM subject WHERE key = ANY ($1::text[])`,
    [arrays.text([...new Set(keys)])],
  );
  const features = await queryable.query<FeatureFacts>(
    `SELECT id, metadata, created_at AS "createdAt", updated_at AS "updatedAt", archived_at AS "archivedAt"
     FROM feature WHERE id = ANY ($1::text[])`,
    [arrays.text(featureIds)],
  );
  return {
    customers: byId,
    subjects: new Map(subjects.rows.map((subject) => [subject.key, subject])),
    features: new Map(features.rows.map((feature) => [feature.id, feature])),
  };
};

/** The subject an entitlement is told under: its own, else its customer's first, else the customer's key or id. */
export const subjectKeyOf = (
  { entitlement }: Evaluation,
  customers: ReadonlyMap<string, CustomerFacts>,
): string => {
  const customer = customers.get(entitlement.customerId);
  return entitlement.subjectKey ?? customer?.subjectKeys[0] ?? customer?.key ?? entitlement.customerId;
};

/** Whoever is entitled to features and pays for them. Times are epoch milliseconds. */
export interface Customer {
  id: string;
  /** The caller's own name of the customer; it counts as an event subject without being listed. */
  key: string | null;
  name: string;
  description: string | null;
  primaryEmail: string | null;
  /** ISO 4217. */
  currency: string | null;
  billingAddress: BillingAddress | null;
  metadata: Record<string, string>;
  annotations: Record<string, unknown>;
  /** The event subjects that are listed for the customer, in their order. */
  subjectKeys: string[];
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

export interface BillingAddress {
  country?: string | undefined;
  postalCode?: string | undefined;
  state?: string | undefined;
  city?: string | undefined;
  line1?: string | undefined;
  line2?: string | undefined;
  phoneNumber?: string | undefined;
}

/** What a caller decides about a customer. */
export type CustomerDetails = Pick<
  Customer,
  'key' | 'name' | 'description' | 'primaryEmail' | 'currency' | 'billingAddress' | 'metadata' | 'subjectKeys'
>;

/** The details of a customer that is made because events or entitlements of its subject came first. */
export const customerOfSubject = (subject: string): CustomerDetails => ({
  key: subject,
  name: subject.slice(0, 256),
  description: null,
  primaryEmail: null,
  currency: null,
  billingAddress: null,
  metadata: {},
  subjectKeys: [subject],
});

/** A customer as the API shows it. */
export interface Customer {
  id: string;
  key?: string;
  name: string;
  description?: string;
  metadata: Record<string, string>;
  usageAttribution: { subjectKeys: string[] };
  primaryEmail?: string;
  currency?: string;
  billingAddress?: Record<string, string>;
  createdAt: string;
  updatedAt: string;
}

export const customersPath = '/api/v1/customers';

export const customerHref = (keyOrId: string): string => `/customers/${encodeURIComponent(keyOrId)}`;

/** As tollgate.yml declares it. */
export const customerDeclaration = (customer: Customer) => ({
  customers: {
    [customer.key ?? customer.id]: {
      name: customer.name,
      ...(customer.description ? { description: customer.description } : {}),
      ...(customer.usageAttribution.subjectKeys.length > 0
        ? { subjects: customer.usageAttribution.subjectKeys }
        : {}),
      ...(customer.primaryEmail ? { primaryEmail: customer.primaryEmail } : {}),
      ...(customer.currency ? { currency: customer.currency } : {}),
      ...(customer.billingAddress ? { billingAddress: customer.billingAddress } : {}),
      ...(Object.keys(customer.metadata).length > 0 ? { metadata: customer.metadata } : {}),
    },
  },
});

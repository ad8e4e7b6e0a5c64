import { defineKind, entriesOf, present, requestIfThere } from '../resource-kind';
import { customerSchema } from '../schema';

interface Customer {
  id: string;
  key?: string;
  name: string;
  description?: string;
  usageAttribution?: { subjectKeys: string[] };
  primaryEmail?: string;
  currency?: string;
  billingAddress?: Record<string, string>;
  metadata?: Record<string, string>;
}

type Spec = ReturnType<typeof customerSchema.parse>;

const path = '/api/v1/customers';

const bodyOf = (key: string, { subjects, entitlements: _, name, ...rest }: Spec) => ({
  key,
  name: name ?? key,
  usageAttribution: { subjectKeys: subjects },
  ...rest,
});

const specOf = (customer: Customer): Spec =>
  customerSchema.parse(
    present({
      name: customer.name,
      description: customer.description,
      subjects: customer.usageAttribution?.subjectKeys ?? [],
      primaryEmail: customer.primaryEmail,
      currency: customer.currency,
      billingAddress: customer.billingAddress,
      metadata: customer.metadata ?? {},
    }),
  );

/** Customers with a key; one without cannot be named in a file and is left alone. */
export const customers = defineKind<Spec>({
  section: 'customers',
  label: 'customer',
  declared: (declaration) => entriesOf(declaration.customers),
  list: async (client) =>
    (await client.list<Customer>(path)).flatMap((customer) =>
      customer.key === undefined
        ? []
        : {
            name: customer.key,
            id: customer.id,
            spec: specOf(customer),
          },
    ),
  find: async (client, key) => {
    const customer = await requestIfThere<Customer>(client, `${path}/${encodeURIComponent(key)}`);
    // The path takes ids as well; a key that looks like another customer's id names nobody.
    return customer?.key === key ? { name: key, id: customer.id, spec: specOf(customer) } : undefined;
  },
  create: async (client, key, spec) => (await client.request<Customer>('POST', path, bodyOf(key, spec))).id,
  update: async (client, existing, spec) => {
    // PUT replaces everything; what the file leaves open stays.
    const body = bodyOf(existing.name, { ...existing.spec, ...present(spec) } as Spec);
    await client.request('PUT', `${path}/${existing.id}`, body);
    return existing.id;
  },
  remove: async (client, { id }) => {
    await client.request('DELETE', `${path}/${id}`);
  },
  comparable: ({ entitlements: _, ...spec }) => spec,
  fixedFields: [],
});

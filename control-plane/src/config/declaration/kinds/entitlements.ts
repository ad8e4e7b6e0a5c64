import {
  defineKind,
  nestedEntries,
  nestedName,
  nestedParts,
  present,
  requestIfThere,
} from '../resource-kind';
import { entitlementSchema } from '../schema';

interface Entitlement {
  id: string;
  type: string;
  featureKey: string;
  customerKey?: string;
  activeTo?: string;
  deletedAt?: string;
  usagePeriod?: { interval: string };
  issueAfterReset?: number;
  issueAfterResetPriority?: number;
  isSoftLimit?: boolean;
  preserveOverageAtReset?: boolean;
  config?: string;
  metadata?: Record<string, string>;
}

type Spec = ReturnType<typeof entitlementSchema.parse>;

const pathFor = (name: string): string => {
  const [customer, feature] = nestedParts(name);
  return `/api/v2/customers/${encodeURIComponent(customer)}/entitlements/${encodeURIComponent(feature)}`;
};

const hasEnded = ({ activeTo, deletedAt }: Entitlement): boolean =>
  activeTo !== undefined || deletedAt !== undefined;

const specOf = (entitlement: Entitlement): Spec => {
  const metadata = entitlement.metadata ?? {};
  if (entitlement.type === 'metered') {
    return entitlementSchema.parse(
      present({
        type: 'metered',
        usagePeriod: { interval: entitlement.usagePeriod?.interval },
        issueAfterReset: entitlement.issueAfterReset,
        issueAfterResetPriority: entitlement.issueAfterResetPriority,
        isSoftLimit: entitlement.isSoftLimit,
        preserveOverageAtReset: entitlement.preserveOverageAtReset,
        metadata,
      }),
    );
  }
  return entitlementSchema.parse(present({ type: entitlement.type, config: entitlement.config, metadata }));
};

/** What customers may use. A change overrides: the entitlement ends and another begins at once. */
export const entitlements = defineKind<Spec>({
  section: 'entitlements',
  label: 'entitlement',
  declared: (declaration) => nestedEntries(declaration.customers, (customer) => customer.entitlements),
  list: async (client) =>
    (await client.list<Entitlement>('/api/v2/entitlements')).flatMap((entitlement) =>
      entitlement.customerKey === undefined || hasEnded(entitlement)
        ? []
        : {
            name: nestedName(entitlement.customerKey, entitlement.featureKey),
            id: entitlement.id,
            spec: specOf(entitlement),
          },
    ),
  find: async (client, name) => {
    const entitlement = await requestIfThere<Entitlement>(client, pathFor(name));
    return entitlement && !hasEnded(entitlement)
      ? { name, id: entitlement.id, spec: specOf(entitlement) }
      : undefined;
  },
  create: async (client, name, spec) => {
    const [customer, featureKey] = nestedParts(name);
    const path = `/api/v2/customers/${encodeURIComponent(customer)}/entitlements`;
    return (await client.request<Entitlement>('POST', path, { featureKey, ...spec })).id;
  },
  update: async (client, { name }, spec) => {
    const [, featureKey] = nestedParts(name);
    const made = await client.request<Entitlement>('PUT', `${pathFor(name)}/override`, {
      featureKey,
      ...spec,
    });
    return made.id;
  },
  remove: async (client, { name }) => {
    await client.request('DELETE', pathFor(name));
  },
  comparable: (spec) =>
    spec.type === 'metered' ? { ...spec, usagePeriod: { interval: spec.usagePeriod.interval } } : spec,
  fixedFields: [],
});

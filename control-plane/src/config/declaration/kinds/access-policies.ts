import { defineKind, nestedEntries, nestedName, nestedParts } from '../resource-kind';
import { policySchema } from '../schema';

interface Policy {
  id: string;
  feature: string;
  gateway: string;
  leave: string[];
  join: string[];
  mode: string;
}

type Spec = ReturnType<typeof policySchema.parse>;

const path = '/api/v1/access/policies';

const bodyOf = (name: string, spec: Spec) => {
  const [gateway, feature] = nestedParts(name);
  return { gateway, feature, ...spec };
};

/** Which groups of a gateway a feature's customers are kept in: one policy a gateway and feature. */
export const accessPolicies = defineKind<Spec>({
  section: 'accessPolicies',
  label: 'access policy',
  declared: (declaration) => nestedEntries(declaration.gateways, (gateway) => gateway.accessPolicies),
  list: async (client, directory) => {
    const { items } = await client.request<{ items: Policy[] }>('GET', path);
    return items.map(({ id, feature, gateway, leave, join, mode }) => ({
      name: nestedName(directory.nameOf('gateways', gateway), feature),
      id,
      spec: policySchema.parse({ leave, join, mode }),
    }));
  },
  create: async (client, name, spec) => (await client.request<Policy>('POST', path, bodyOf(name, spec))).id,
  update: async (client, { name, id }, spec) => {
    await client.request('PUT', `${path}/${id}`, bodyOf(name, spec));
    return id;
  },
  remove: async (client, { id }) => {
    await client.request('DELETE', `${path}/${id}`);
  },
  fixedFields: [],
});

import { type Directory, defineKind, entriesOf, present } from '../resource-kind';
import { ruleSchema } from '../schema';

interface Rule {
  id: string;
  name: string;
  type: string;
  disabled?: boolean;
  channels: { id: string }[];
  thresholds?: { type: string; value: number }[];
  features?: { key: string }[];
  metadata?: Record<string, string> | null;
}

type Spec = ReturnType<typeof ruleSchema.parse>;

const path = '/api/v1/notification/rules';

/** Without features a rule is about all of them, which the API says by their absence. */
const bodyOf = (name: string, spec: Spec, directory: Directory) => {
  const { channels, ...rest } = spec;
  const features = 'features' in spec ? spec.features : [];
  return {
    name,
    ...rest,
    features: features.length > 0 ? features : undefined,
    channels: channels.map((channel) => directory.idOf('channels', channel)),
  };
};

export const rules = defineKind<Spec>({
  section: 'rules',
  label: 'rule',
  declared: (declaration) => entriesOf(declaration.rules),
  list: async (client, directory) =>
    (await client.list<Rule>(`${path}?includeDisabled=true`)).map((rule) => ({
      name: rule.name,
      id: rule.id,
      spec: ruleSchema.parse(
        present({
          type: rule.type,
          channels: rule.channels.map(({ id }) => directory.nameOf('channels', id)),
          thresholds: rule.thresholds,
          features: rule.features?.map(({ key }) => key),
          disabled: rule.disabled ?? false,
          metadata: rule.metadata ?? {},
        }),
      ),
    })),
  create: async (client, name, spec, directory) =>
    (await client.request<Rule>('POST', path, bodyOf(name, spec, directory))).id,
  update: async (client, { name, id }, spec, directory) => {
    await client.request('PUT', `${path}/${id}`, bodyOf(name, spec, directory));
    return id;
  },
  remove: async (client, { id }) => {
    await client.request('DELETE', `${path}/${id}`);
  },
  fixedFields: ['type'],
});

import { defineKind, entriesOf, present } from '../resource-kind';
import { featureSchema } from '../schema';

interface Feature {
  id: string;
  key: string;
  name: string;
  meterSlug?: string;
  advancedMeterGroupByFilters?: Record<string, unknown>;
  metadata?: Record<string, string>;
}

const path = '/api/v1/features';

/** `method: GET` is short for `method: { $eq: GET }`. */
const fullFilters = (filters: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(filters).map(([key, filter]) => [
      key,
      typeof filter === 'string' ? { $eq: filter } : filter,
    ]),
  );

export const features = defineKind({
  section: 'features',
  label: 'feature',
  declared: (declaration) => entriesOf(declaration.features),
  list: async (client) =>
    (await client.list<Feature>(path)).map((feature) => ({
      name: feature.key,
      id: feature.id,
      spec: featureSchema.parse(
        present({
          name: feature.name,
          meter: feature.meterSlug,
          filters: feature.advancedMeterGroupByFilters ?? {},
          metadata: feature.metadata ?? {},
        }),
      ),
    })),
  create: async (client, key, { name, meter, filters, metadata }) => {
    const made = await client.request<Feature>('POST', path, {
      key,
      name: name ?? key,
      meterSlug: meter,
      ...(Object.keys(filters).length > 0 ? { advancedMeterGroupByFilters: fullFilters(filters) } : {}),
      metadata,
    });
    return made.id;
  },
  update: async (_client, { id }) => id,
  remove: async (client, { id }) => {
    await client.request('DELETE', `${path}/${id}`);
  },
  comparable: (spec) => ({ ...spec, filters: fullFilters(spec.filters) }),
  // A feature is what entitlements were given on; another meaning is another feature.
  fixedFields: ['name', 'meter', 'filters', 'metadata'],
});

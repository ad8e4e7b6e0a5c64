import { defineKind, entriesOf, present } from '../resource-kind';
import { meterSchema } from '../schema';

interface Meter {
  id: string;
  slug: string;
  name?: string;
  description?: string;
  eventType: string;
  aggregation: string;
  valueProperty?: string;
  eventFrom?: string;
  groupBy?: Record<string, string>;
  metadata?: Record<string, string> | null;
}

export const meters = defineKind({
  section: 'meters',
  label: 'meter',
  declared: (declaration) => entriesOf(declaration.meters),
  list: async (client) => {
    const answer = await client.list<Meter>('/api/v1/meters');
    return answer.map((meter) => ({
      name: meter.slug,
      id: meter.id,
      spec: meterSchema.parse(
        present({
          name: meter.name,
          description: meter.description,
          eventType: meter.eventType,
          aggregation: meter.aggregation,
          valueProperty: meter.valueProperty,
          eventFrom: meter.eventFrom,
          groupBy: meter.groupBy,
          metadata: meter.metadata ?? {},
        }),
      ),
    }));
  },
  create: async (client, slug, spec) =>
    (await client.request<Meter>('POST', '/api/v1/meters', { slug, ...spec })).id,
  update: async (client, { id }, { name, description, groupBy, metadata }) => {
    await client.request('PUT', `/api/v1/meters/${id}`, { name, description, groupBy, metadata });
    return id;
  },
  remove: async (client, { id }) => {
    await client.request('DELETE', `/api/v1/meters/${id}`);
  },
  fixedFields: ['eventType', 'aggregation', 'valueProperty', 'eventFrom'],
});

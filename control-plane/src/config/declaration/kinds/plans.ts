import { type ApiClient, ApiError } from '../../../client/api-client';
import { defineKind, entriesOf, present } from '../resource-kind';
import { planSchema } from '../schema';

interface Plan {
  id: string;
  key: string;
  version: number;
  status: string;
  name: string;
  description?: string;
  currency: string;
  billingCadence: string;
  proRatingConfig?: { enabled: boolean };
  phases: Record<string, unknown>[];
  metadata?: Record<string, string>;
}

type Spec = ReturnType<typeof planSchema.parse>;

const path = '/api/v1/plans';

const bodyOf = (key: string, { currency: _, isProrated, ...spec }: Spec) => ({
  ...spec,
  name: spec.name ?? key,
  proRatingConfig: { enabled: isProrated, mode: 'prorate_prices' },
});

/** A draft that cannot be published goes away again, so that the next attempt does not find it in its way. */
const publish = async (client: ApiClient, id: string): Promise<string> => {
  try {
    return (await client.request<Plan>('POST', `${path}/${id}/publish`)).id;
  } catch (error) {
    if (error instanceof ApiError && error.status !== undefined && error.status < 500) {
      await client.request('DELETE', `${path}/${id}`);
    }
    throw error;
  }
};

/**
 * The plans in force, by key. A change publishes another version; subscriptions of the one before go on as they are.
 */
export const plans = defineKind<Spec>({
  section: 'plans',
  label: 'plan',
  declared: (declaration) => entriesOf(declaration.plans),
  list: async (client) =>
    (await client.list<Plan>(`${path}?status=active`)).map((plan) => ({
      name: plan.key,
      id: plan.id,
      spec: planSchema.parse(
        present({
          name: plan.name,
          description: plan.description,
          currency: plan.currency,
          billingCadence: plan.billingCadence,
          isProrated: plan.proRatingConfig?.enabled ?? true,
          phases: plan.phases,
          metadata: plan.metadata ?? {},
        }),
      ),
    })),
  create: async (client, key, spec) => {
    const { currency } = spec;
    const draft = await client.request<Plan>('POST', path, { key, currency, ...bodyOf(key, spec) });
    return publish(client, draft.id);
  },
  update: async (client, existing, spec) => {
    const draft = await client.request<Plan>('POST', `${path}/${existing.id}/next`);
    const merged = { ...existing.spec, ...present(spec) } as Spec;
    await client.request('PUT', `${path}/${draft.id}`, bodyOf(existing.name, merged));
    return publish(client, draft.id);
  },
  remove: async (client, { id }) => {
    await client.request('POST', `${path}/${id}/archive`);
  },
  fixedFields: ['currency'],
});

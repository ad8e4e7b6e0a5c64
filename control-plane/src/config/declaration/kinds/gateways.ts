import { defineKind, entriesOf, present } from '../resource-kind';
import { gatewaySchema } from '../schema';

interface Gateway {
  id: string;
  key: string;
  name: string;
  driver: string;
  adminUrls: string[];
  token: string | null;
  workspace: string | null;
  controlPlaneId: string | null;
  timeoutMs: number;
  concurrency: number;
}

type Spec = ReturnType<typeof gatewaySchema.parse>;

const path = '/api/v1/access/gateways';

const bodyOf = (key: string, { accessPolicies: _, ...spec }: Spec) => ({ key, ...spec });

export const gateways = defineKind<Spec>({
  section: 'gateways',
  label: 'gateway',
  declared: (declaration) => entriesOf(declaration.gateways),
  list: async (client) => {
    const { items } = await client.request<{ items: Gateway[] }>('GET', path);
    return items.map((gateway) => ({
      name: gateway.key,
      id: gateway.id,
      spec: gatewaySchema.parse(
        present({
          name: gateway.name,
          driver: gateway.driver,
          adminUrls: gateway.adminUrls,
          token: gateway.token ?? undefined,
          workspace: gateway.workspace ?? undefined,
          controlPlaneId: gateway.controlPlaneId ?? undefined,
          timeoutMs: gateway.timeoutMs,
          concurrency: gateway.concurrency,
        }),
      ),
    }));
  },
  create: async (client, key, spec) => (await client.request<Gateway>('POST', path, bodyOf(key, spec))).id,
  update: async (client, existing, spec) => {
    // PUT replaces everything; what the file leaves open stays.
    const body = bodyOf(existing.name, { ...existing.spec, ...present(spec) } as Spec);
    await client.request('PUT', `${path}/${existing.id}`, body);
    return existing.id;
  },
  remove: async (client, { id }) => {
    await client.request('DELETE', `${path}/${id}`);
  },
  comparable: ({ accessPolicies: _, ...spec }) => ({
    ...spec,
    adminUrls: spec.adminUrls.map((url) => url.replace(/\/+$/, '')),
  }),
  fixedFields: [],
});

import { z } from 'zod';
import { type AccessAdministration, driverNames, type GatewayWithHealth } from '../../enforcement';
import { defineRoute, json, noContent, type Route } from '../route';
import { key, time, timeText } from './fields';

const tag = 'Access';

const gatewayInput = z
  .strictObject({
    key,
    name: z.string().trim().min(1).max(256).optional().describe('Its key unless given.'),
    driver: z.enum(driverNames),
    adminUrls: z
      .array(z.string().max(2_048))
      .min(1)
      .max(64)
      .describe('Addresses of the Admin API; several only for the nodes of kong-dbless.'),
    token: z
      .string()
      .max(200)
      .nullish()
      .describe(`Where the token is found, as "$\{env:NAME}"; a token itself is refused.`),
    workspace: z.string().min(1).max(128).nullish().describe("Kong Enterprise's workspace."),
    controlPlaneId: z.uuid().nullish().describe("Konnect's control plane."),
    timeoutMs: z.int().min(100).max(60_000).default(10_000).describe('For one call, milliseconds.'),
    concurrency: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe('Calls under way at most; 8 unless given, 4 for konnect.'),
  })
  .meta({ id: 'GatewayInput' });

const gatewayResponse = z
  .object({
    id: z.string(),
    key: z.string(),
    name: z.string(),
    driver: z.enum(driverNames),
    adminUrls: z.array(z.string()),
    token: z.string().nullable(),
    workspace: z.string().nullable(),
    controlPlaneId: z.string().nullable(),
    timeoutMs: z.int(),
    concurrency: z.int(),
    health: z.object({
      status: z.enum(['unknown', 'healthy', 'failing']),
      version: z.string().nullable(),
      edition: z.string().nullable(),
      database: z.string().nullable().describe('"off" for a Kong without a database.'),
      nodes: z.int().nullable(),
      errorCode: z.string().nullable(),
      error: z.string().nullable(),
      failingSince: timeText.nullable(),
      pausedUntil: timeText.nullable().describe('No call is made before.'),
      checkedAt: timeText.nullable(),
    }),
    sweptAt: timeText.nullable().describe('When all memberships were last compared with wanted access.'),
    createdAt: timeText,
    updatedAt: timeText,
  })
  .meta({ id: 'Gateway' });

const gatewayBody = ({
  settings,
  health,
  ...gateway
}: GatewayWithHealth): z.input<typeof gatewayResponse> => ({
  id: gateway.id,
  key: gateway.key,
  name: gateway.name,
  driver: gateway.driver,
  ...settings,
  health: {
    status: health.status,
    version: health.version ?? null,
    edition: health.edition ?? null,
    database: health.database ?? null,
    nodes: health.nodes ?? null,
    errorCode: health.errorCode ?? null,
    error: health.error ?? null,
    failingSince: time(health.failingSince),
    pausedUntil: time(health.pausedUntil),
    checkedAt: time(health.checkedAt),
  },
  sweptAt: time(gateway.sweptAt),
  createdAt: time(gateway.createdAt)!,
  updatedAt: time(gateway.updatedAt)!,
});

const inputOf = (body: z.output<typeof gatewayInput>) => ({
  key: body.key,
  name: body.name ?? body.key,
  driver: body.driver,
  settings: {
    adminUrls: body.adminUrls.map((url) => url.replace(/\/+$/, '')),
    token: body.token ?? null,
    workspace: body.workspace ?? null,
    controlPlaneId: body.controlPlaneId ?? null,
    timeoutMs: body.timeoutMs,
    // Konnect answers 429 from about ten on; four is what its own operator uses (kong-operator#3166, #3168).
    concurrency: body.driver === 'konnect' ? Math.min(body.concurrency ?? 4, 4) : (body.concurrency ?? 8),
  },
});

const params = z.object({ idOrKey: z.string().min(1).max(128) });
const one = { description: 'The gateway.', schema: gatewayResponse };
const missing = { description: 'There is no such gateway.' };

/** Gateways: where they are, which kind of Kong, and how they answer. */
export const gatewaysRoutes = (access: AccessAdministration): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/access/gateways',
    scope: 'read',
    tag,
    summary: 'List gateways with their health',
    responses: {
      200: { description: 'All gateways.', schema: z.object({ items: z.array(gatewayResponse) }) },
    },
    handle: async () => json(200, { items: (await access.listGateways()).map(gatewayBody) }),
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/access/gateways',
    scope: 'manage',
    tag,
    summary: 'Register a gateway',
    body: gatewayInput,
    responses: { 201: one, 409: { description: 'The key is taken.' } },
    handle: async ({ body }) => json(201, gatewayBody(await access.createGateway(inputOf(body)))),
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/access/gateways/{idOrKey}',
    scope: 'read',
    tag,
    summary: 'Get a gateway',
    params,
    responses: { 200: one, 404: missing },
    handle: async ({ params: { idOrKey } }) => json(200, gatewayBody(await access.findGateway(idOrKey))),
  }),
  defineRoute({
    method: 'put',
    path: '/api/v1/access/gateways/{idOrKey}',
    scope: 'manage',
    tag,
    summary: 'Change a gateway',
    params,
    body: gatewayInput,
    responses: { 200: one, 404: missing, 409: { description: 'The key is taken.' } },
    handle: async ({ params: { idOrKey }, body }) =>
      json(200, gatewayBody(await access.updateGateway(idOrKey, inputOf(body)))),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/access/gateways/{idOrKey}',
    scope: 'manage',
    tag,
    summary: 'Forget a gateway; its groups stay as they are',
    params,
    responses: { 204: { description: 'Done.' }, 404: missing, 409: { description: 'Policies name it.' } },
    handle: async ({ params: { idOrKey } }) => {
      await access.deleteGateway(idOrKey);
      return noContent;
    },
  }),
];

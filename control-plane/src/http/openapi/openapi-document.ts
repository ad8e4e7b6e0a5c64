import { z } from 'zod';
import type { RouteDescription } from '../route';
import { createJsonSchemas, type JsonSchema } from './json-schemas';

/** RFC 9457 problem details, as every refusal is answered. */
const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().describe('urn:request:<the request id, as in X-Request-Id>'),
    code: z.string().describe('Stable, for programs; the texts are for people.'),
    extensions: z.looseObject({}).optional(),
  })
  .meta({ id: 'ProblemDetails' });

type Schemas = ReturnType<typeof createJsonSchemas>;

export interface OpenApiDocument {
  openapi: '3.1.0';
  paths: Record<string, Record<string, JsonSchema>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: JsonSchema };
  [key: string]: unknown;
}

/** Describes routes as OpenAPI 3.1, from the schemas that validate requests and type answers. */
export const openApiDocument = (routes: readonly RouteDescription[], version: string): OpenApiDocument => {
  const schemas = createJsonSchemas();
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path]![route.method] = operation(route, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version,
      description: 'Usage metering with automatic cut-off for every Kong Gateway.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: [...new Set(routes.map(({ tag }) => tag))].sort().map((name) => ({ name })),
    paths: schemas.settle(paths) as OpenApiDocument['paths'],
    components: {
      schemas: schemas.components(),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token with the scope of the route.' },
        portalToken: { type: 'http', scheme: 'bearer', description: "A customer's portal token." },
        sessionToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'The authentication_token of a meter event session.',
        },
      },
    },
  };
};

const tokenOf = ({ scope }: RouteDescription): string =>
  scope === 'portal' ? 'portalToken' : scope === 'session' ? 'sessionToken' : 'token';

const operation = (route: RouteDescription, schemas: Schemas): JsonSchema => ({
  operationId: operationId(route),
  tags: [route.tag],
  summary: route.summary,
  ...(route.scope === 'public'
    ? { security: [] }
    : {
        security: [{ [tokenOf(route)]: [] }],
        'x-tollgate-scope': route.scope,
      }),
  parameters: [...parameters(route.params, 'path', schemas), ...parameters(route.query, 'query', schemas)],
  ...(route.body ? { requestBody: requestBody(route, schemas) } : {}),
  responses: responses(route, schemas),
});

const operationId = ({ method, path }: RouteDescription): string =>
  `${method}${path.replaceAll(/[^a-zA-Z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`;

/** The fields of an object schema as parameters; objects among them are written as deepObject: filter[key]=value. */
const parameters = (
  schema: z.ZodType | undefined,
  where: 'path' | 'query',
  schemas: Schemas,
): JsonSchema[] => {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemas.convert(schema, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    ...(property.type === 'object' ? { style: 'deepObject', explode: true } : {}),
    schema: property,
  }));
};

const requestBody = (route: RouteDescription, schemas: Schemas): JsonSchema => {
  const schema = schemas.convert(route.body!, 'input');
  const types = route.bodyTypes ?? ['application/json'];
  return {
    required: !route.body!.safeParse(undefined).success,
    content: Object.fromEntries(types.map((type) => [type, { schema }])),
  };
};

const responses = (route: RouteDescription, schemas: Schemas): JsonSchema => {
  const refusal = refusalContent(route, schemas);
  const described = Object.entries(route.responses).map(([status, response]) => {
    const { description, schema, contentType, otherTypes = [] } = response;
    if (!schema && !contentType) {
      return [status, Number(status) < 400 ? { description } : { description, content: refusal }];
    }
    const media = schema ? { schema: schemas.convert(schema, 'output') } : {};
    const other = Object.fromEntries(otherTypes.map((type) => [type, {}]));
    return [status, { description, content: { [contentType ?? 'application/json']: media, ...other } }];
  });
  return { ...Object.fromEntries(described), default: { description: 'A refusal.', content: refusal } };
};

const refusalContent = (
  { errorBody, errorType = 'application/json' }: RouteDescription,
  schemas: Schemas,
): JsonSchema =>
  errorBody
    ? { [errorType]: { schema: schemas.convert(errorBody, 'output') } }
    : { 'application/problem+json': { schema: schemas.convert(problemSchema, 'output') } };

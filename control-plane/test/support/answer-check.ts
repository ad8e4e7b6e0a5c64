import type { IncomingMessage, ServerResponse } from 'node:http';
import Ajv, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { type OpenApiDocument, openApiDocument } from '../../src/http/openapi/openapi-document';
import type { RouteDescription } from '../../src/http/route';

interface Operation {
  name: string;
  path: RegExp;
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

/** Bodies beyond this are not kept for checking. */
const maximumBytes = 4 << 20;

/** Compiled validators of equal descriptions, shared by the apps of one test file. */
const compiled = new Map<
  string,
  { operations: Map<string, Operation[]>; validator: (schema: object) => ValidateFunction }
>();

/**
 * Holds every answer of a server against the OpenAPI description of its route: the status must be named or a refusal, the
 * content type the one named, and a JSON body valid for the schema, fields that are not described included.
 */
export const createAnswerCheck = () => {
  const mistakes = new Map<string, string>();
  let api: ReturnType<typeof compile> | undefined;

  const check = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const operation = api?.operations
      .get((request.method ?? '').toLowerCase())
      ?.find((candidate) => candidate.path.test(path));
    if (!api || !operation) return;
    const problem = differenceOf(operation, response, body, api.validator);
    if (problem)
      mistakes.set(`${operation.name} ${response.statusCode}: ${problem}`, body.toString().slice(0, 400));
  };

  return {
    describe: (routes: readonly RouteDescription[]): void => {
      api = compile(routes);
    },
    observe: (request: IncomingMessage, response: ServerResponse): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      const keep = (chunk: unknown): void => {
        if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return;
        const buffer = Buffer.from(chunk as string);
        size += buffer.length;
        if (size <= maximumBytes) chunks.push(buffer);
      };
      const { write, end } = response;
      response.write = function (this: ServerResponse, ...given: unknown[]) {
        keep(given[0]);
        return write.apply(this, given as never);
      } as typeof write;
      response.end = function (this: ServerResponse, ...given: unknown[]) {
        keep(given[0]);
        return end.apply(this, given as never);
      } as typeof end;
      response.once('finish', () => {
        if (size <= maximumBytes) check(request, response, Buffer.concat(chunks));
      });
    },
    /** @throws Error that lists every answer that was not as described */
    assertDescribed: (): void => {
      if (mistakes.size === 0) return;
      const list = [...mistakes].map(([mistake, body]) => `  ${mistake}\n    ${body}`).join('\n');
      throw new Error(`answers that /openapi.json does not describe:\n${list}`);
    },
  };
};

const compile = (routes: readonly RouteDescription[]) => {
  const document = openApiDocument(routes, '0');
  const key = JSON.stringify(document);
  const known = compiled.get(key);
  if (known) return known;
  const ajv = new Ajv({ strict: false, allErrors: false });
  addFormats(ajv);
  ajv.addSchema({ $id: 'openapi', components: document.components });
  const validators = new Map<object, ValidateFunction>();
  const made = {
    operations: operationsOf(document),
    validator: (schema: object): ValidateFunction => {
      const validate = validators.get(schema) ?? ajv.compile(absolute(schema));
      validators.set(schema, validate);
      return validate;
    },
  };
  compiled.set(key, made);
  return made;
};

const absolute = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"openapi#/components/'));

const operationsOf = (document: OpenApiDocument): Map<string, Operation[]> => {
  const byMethod = new Map<string, Operation[]>();
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const pattern = path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+');
      const entry = {
        name: `${method.toUpperCase()} ${path}`,
        path: new RegExp(`^${pattern}/?$`),
        responses: operation.responses as Operation['responses'],
      };
      byMethod.set(method, [...(byMethod.get(method) ?? []), entry]);
    }
  }
  // A path without parameters is the more exact match.
  for (const operations of byMethod.values()) {
    operations.sort((a, b) => a.name.split('{').length - b.name.split('{').length);
  }
  return byMethod;
};

const differenceOf = (
  { responses }: Operation,
  response: ServerResponse,
  body: Buffer,
  validator: (schema: object) => ValidateFunction,
): string | undefined => {
  const described =
    responses[response.statusCode] ?? (response.statusCode >= 400 ? responses.default : undefined);
  if (!described) return 'this status is not described';
  const type = String(response.getHeader('content-type') ?? '')
    .split(';', 1)[0]!
    .trim();
  if (!described.content) return body.length > 0 ? 'a body is not described' : undefined;
  const content = described.content[type];
  if (!content) return `the content type "${type}" is not described`;
  if (!content.schema || !/json$/.test(type)) return undefined;
  const validate = validator(content.schema);
  if (validate(JSON.parse(body.toString('utf8')))) return undefined;
  const [error] = validate.errors!;
  return `${error!.instancePath || 'the body'} ${error!.message} ${JSON.stringify(error!.params)}`;
};

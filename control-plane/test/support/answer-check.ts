import type { IncomingMessage, ServerResponse } from 'node:http';
import Ajv, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { openApiDocument } from '../../src/http/openapi/openapi-document';
import type { RouteDescription } from '../../src/http/route';

type Responses = Record<string, { content?: Record<string, { schema?: object }> }>;

interface Operation {
  name: string;
  path: RegExp;
  /** Made when the first answer of the route is checked: a test file asks a few routes of hundreds. */
  description(): { responses: Responses; validator: (schema: object) => ValidateFunction };
}

/** Bodies beyond this are not kept for checking. */
const maximumBytes = 4 << 20;

/** Descriptions of routes, shared by the apps of one test file, which have routes of their own but describe them alike. */
const described = new Map<string, ReturnType<Operation['description']>>();

/**
 * Holds every answer of a server against the OpenAPI description of its route: the status must be named or a refusal, the
 * content type the one named, and a JSON body valid for the schema, fields that are not described included.
 */
export const createAnswerCheck = () => {
  const mistakes = new Map<string, string>();
  let operations: Map<string, Operation[]> | undefined;

  const check = (
    request: IncomingMessage,
    response: ServerResponse,
    contentType: string,
    body: Buffer,
  ): void => {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const operation = operations
      ?.get((request.method ?? '').toLowerCase())
      ?.find((candidate) => candidate.path.test(path));
    if (!operation) return;
    const problem = differenceOf(operation, response.statusCode, contentType, body);
    if (problem)
      mistakes.set(`${operation.name} ${response.statusCode}: ${problem}`, body.toString().slice(0, 400));
  };

  return {
    describe: (routes: readonly RouteDescription[]): void => {
      operations = operationsOf(routes);
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
      const { write, end, writeHead } = response;
      let contentType = '';
      response.writeHead = function (this: ServerResponse, status: number, ...given: unknown[]) {
        contentType = contentTypeOf(this, given.at(-1));
        return writeHead.call(this, status, ...(given as never[]));
      } as typeof writeHead;
      response.write = function (this: ServerResponse, ...given: unknown[]) {
        keep(given[0]);
        return write.apply(this, given as never);
      } as typeof write;
      response.end = function (this: ServerResponse, ...given: unknown[]) {
        keep(given[0]);
        return end.apply(this, given as never);
      } as typeof end;
      response.once('finish', () => {
        if (size <= maximumBytes) check(request, response, contentType, Buffer.concat(chunks));
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

/** `openapi.test.ts` validates the document itself; compiling the schema of schemas here takes longer than all the others. */
const ajv = new Ajv({ strict: false, allErrors: false, meta: false, validateSchema: false });
addFormats(ajv);

const descriptionOf = (route: RouteDescription): ReturnType<Operation['description']> => {
  const { paths, components } = openApiDocument([route], '0');
  const operation = paths[route.path]![route.method] as { responses: Responses };
  const key = JSON.stringify([operation, components]);
  const known = described.get(key);
  if (known) return known;
  const id = `route-${described.size}`;
  ajv.addSchema({ $id: id, components });
  const validators = new Map<object, ValidateFunction>();
  const made = {
    responses: operation.responses,
    validator: (schema: object): ValidateFunction => {
      const validate = validators.get(schema) ?? ajv.compile(absolute(schema, id));
      validators.set(schema, validate);
      return validate;
    },
  };
  described.set(key, made);
  return made;
};

const absolute = (schema: object, id: string): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', `"${id}#/components/`));

const operationsOf = (routes: readonly RouteDescription[]): Map<string, Operation[]> => {
  const byMethod = new Map<string, Operation[]>();
  for (const route of routes) {
    const { method, path } = route;
    const pattern = path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+');
    let description: ReturnType<Operation['description']> | undefined;
    const entry: Operation = {
      name: `${method.toUpperCase()} ${path}`,
      path: new RegExp(`^${pattern}/?$`),
      description: () => {
        description ??= descriptionOf(route);
        return description;
      },
    };
    byMethod.set(method, [...(byMethod.get(method) ?? []), entry]);
  }
  // A path without parameters is the more exact match.
  for (const operations of byMethod.values()) {
    operations.sort((a, b) => a.name.split('{').length - b.name.split('{').length);
  }
  return byMethod;
};

/** Headers that are given to writeHead at once are not kept by the response. */
const contentTypeOf = (response: ServerResponse, given: unknown): string => {
  const pairs = Array.isArray(given) ? (given as string[]) : Object.entries(given ?? {}).flat();
  const index = pairs.findIndex((text, at) => at % 2 === 0 && /^content-type$/i.test(String(text)));
  return String(index < 0 ? (response.getHeader('content-type') ?? '') : pairs[index + 1]);
};

const differenceOf = (
  operation: Operation,
  status: number,
  contentType: string,
  body: Buffer,
): string | undefined => {
  const { responses, validator } = operation.description();
  const named = responses[status] ?? (status >= 400 ? responses.default : undefined);
  if (!named) return 'this status is not described';
  const type = contentType.split(';', 1)[0]!.trim();
  if (!named.content) return body.length > 0 ? 'a body is not described' : undefined;
  const content = named.content[type];
  if (!content) return `the content type "${type}" is not described`;
  if (!content.schema || !/json$/.test(type)) return undefined;
  const validate = validator(content.schema);
  if (validate(JSON.parse(body.toString('utf8')))) return undefined;
  const [error] = validate.errors!;
  return `${error!.instancePath || 'the body'} ${error!.message} ${JSON.stringify(error!.params)}`;
};

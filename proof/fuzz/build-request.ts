import { gzipSync } from 'node:zlib';
import type { SeededRandom } from '../support/random';
import { hostileTexts } from './hostile-values';
import { mutate } from './mutate';
import { type Schema, type ValueSource, valueOfSchema } from './value-of-schema';

/** One route as the server describes it. */
export interface Operation {
  method: string;
  path: string;
  parameters: { name: string; in: 'path' | 'query' | 'header'; schema: Schema; required?: boolean }[];
  /** Schema of the body by media type; empty for a route without one. */
  bodies: Record<string, Schema>;
  scope: string;
}

export interface FuzzRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer | undefined;
}

/** The part of a path that names a collection: the last one that is no parameter and no verb behind one. */
export const collectionOf = (path: string, parameter?: string): string => {
  const parts = path.split('/');
  const end = parameter === undefined ? parts.length : parts.indexOf(`{${parameter}}`);
  return parts.slice(0, end).findLast((part) => !part.startsWith('{')) ?? '';
};

/** A request to one route: as the description says, or with up to three things wrong. */
export const buildRequest = (
  operation: Operation,
  source: ValueSource,
  tokens: Readonly<Record<string, string>>,
): FuzzRequest => {
  const { random } = source;
  const mutations = random.next() < 0.35 ? 0 : 1 + random.below(3);
  const headers = headersOf(operation, random, tokens, mutations);
  const path = pathOf(operation, source, mutations);
  const body = bodyOf(operation, source, mutations, headers);
  const method =
    mutations > 0 && random.next() < 0.02
      ? (['PATCH', 'OPTIONS', 'HEAD'][random.below(3)] as string)
      : operation.method;
  return { method, path, headers, body };
};

const headersOf = (
  operation: Operation,
  random: SeededRandom,
  tokens: Readonly<Record<string, string>>,
  mutations: number,
): Record<string, string> => {
  const token = tokens[operation.scope] ?? tokens.manage!;
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, 'x-api-key': token };
  if (mutations === 0) return headers;
  switch (random.below(14)) {
    case 0:
      return {};
    case 1:
      headers.authorization = 'Bearer tg_wrong';
      delete headers['x-api-key'];
      break;
    case 2:
      headers.prefer = 'return=representation, handling=strict';
      break;
    case 3:
      headers['idempotency-key'] = String(random.below(20));
      break;
    case 4:
      headers.accept = ['text/csv', 'text/html', '*/*;q=0', 'application/x-unknown'][random.below(4)]!;
      break;
    case 5:
      headers.traceparent = '00-zz-00-01';
      break;
    case 6:
      headers['x-request-id'] = 'a'.repeat(1_000);
      break;
  }
  return headers;
};

const pathOf = (operation: Operation, source: ValueSource, mutations: number): string => {
  const { random, names } = source;
  const hostile = (): string => hostileTexts[random.below(hostileTexts.length)]!.slice(0, 500);
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => {
    if (mutations > 0 && random.next() < 0.2) return encode(hostile());
    const known = names.one(collectionOf(operation.path, parameter), random);
    return encode(known ?? names.any(random) ?? 'nothing');
  });
  const query = operation.parameters
    .filter((parameter) => parameter.in === 'query' && (parameter.required || random.next() < 0.35))
    .flatMap(({ name, schema }) => {
      const value = mutations > 0 && random.next() < 0.4 ? hostile() : valueOfSchema(schema, source);
      return queryText(name, value);
    });
  if (mutations > 0 && random.next() < 0.05)
    query.push(`${encode(hostile())}=${encode(hostile())}`, 'a[b][c][d]=1');
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
};

/** Lone surrogates cannot be written in a URL; they become U+FFFD. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

const queryText = (name: string, value: unknown): string[] => {
  if (Array.isArray(value)) return value.slice(0, 20).flatMap((item) => queryText(name, item));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .slice(0, 20)
      .flatMap(([key, part]) => queryText(`${name}[${key}]`, part));
  }
  return [`${encode(name)}=${encode(String(value))}`];
};

const bodyOf = (
  operation: Operation,
  source: ValueSource,
  mutations: number,
  headers: Record<string, string>,
): Buffer | undefined => {
  const { random } = source;
  const types = Object.keys(operation.bodies);
  if (types.length === 0) return undefined;
  const type = types[random.below(types.length)]!;
  let value = valueOfSchema(operation.bodies[type], source);
  for (let mutation = 0; mutation < mutations; mutation += 1) value = mutate(value, random);
  headers['content-type'] = type;
  const isForm = type === 'application/x-www-form-urlencoded';
  let body = Buffer.from(isForm ? formText(value) : (JSON.stringify(value) ?? ''), 'utf8');
  if (mutations === 0) return body;
  switch (random.below(24)) {
    case 0:
      body = body.subarray(0, random.below(body.length + 1));
      break;
    case 1:
      body = Buffer.concat([body, Buffer.from([0xff, 0xfe, 0x00])]);
      break;
    case 2:
      headers['content-type'] = ['text/plain', 'application/json; charset=utf-16', 'multipart/form-data', ''][
        random.below(4)
      ]!;
      break;
    case 3:
      headers['content-encoding'] = 'gzip';
      if (random.next() < 0.5) body = gzipSync(body);
      break;
    case 4:
      headers['content-encoding'] = 'br, gzip, x-unknown';
      break;
    case 5:
      body = Buffer.from('['.repeat(20_000));
      break;
    case 6:
      // Small when packed, far above every limit when unpacked.
      headers['content-encoding'] = 'gzip';
      body = packedZeros;
      break;
    case 7:
      body = Buffer.from('{"a":1,"a":2,"id":1e999,"value":-0.0e-999}');
      break;
  }
  return body;
};

const packedZeros = gzipSync(Buffer.alloc(32 << 20));

const formText = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .flatMap(([key, part]) => queryText(key, part))
        .join('&')
    : String(value);

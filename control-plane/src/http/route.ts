import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Scope } from '../tokens/api-token';
import type { Identity } from './authenticate';

/** What a handler gets: everything parsed and authenticated. */
export interface RouteInput<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  identity: Identity;
  requestId: string;
  request: IncomingMessage;
  /** For answers that are no JSON (CSV, server-sent events): the handler ends it and returns `handled`. */
  response: ServerResponse;
}

export interface Reply {
  status: number;
  /** JSON; undefined for an empty body. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** The handler has ended the response itself. */
export const handled = Symbol('handled');

export type RouteMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';

/**
 * What a route takes, what it answers, which scope it asks for. The same schemas validate the request and describe it in
 * /openapi.json.
 */
export interface RouteDescription<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
> {
  method: RouteMethod;
  /** With parameters in braces: /api/v1/meters/{idOrSlug}. */
  path: string;
  /** An API token's scope; or what else is asked for: nothing, a portal token, a session of the meter event stream. */
  scope: Scope | 'public' | 'portal' | 'session';
  summary: string;
  tag: string;
  params?: P;
  query?: Q;
  /** The body's schema; a route without one ignores the body. */
  body?: B;
  /** The body's media types; application/json where this is absent. */
  bodyTypes?: readonly string[];
  /** What it answers by status; undefined for an empty body. Refusals need no mention: all are problem details. */
  responses: Record<number, RouteResponse>;
  /** The body of its refusals, where the interface it belongs to has a shape of its own. */
  errorBody?: z.ZodType;
  /** Of that body; application/json where this is absent. */
  errorType?: string;
}

export interface RouteResponse {
  description: string;
  /** Of a JSON body. */
  schema?: z.ZodType;
  /** application/json where this is absent. */
  contentType?: string;
  /** Further media types that the caller may ask for, such as text/csv. */
  otherTypes?: readonly string[];
}

/** A route served through Express. */
export interface Route<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
> extends RouteDescription<P, Q, B> {
  handle: (input: RouteInput<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Reply | typeof handled>;
}

/** Handles a request on the hot path; what it throws is answered as problem details. */
export type FastHandler = (request: IncomingMessage, requestId: string) => Promise<Reply>;

/**
 * A route on the hot path, taken in front of Express: its path has no parameters, it authenticates by itself, and its
 * schemas describe what it parses in its own, faster way.
 */
export interface FastRoute extends RouteDescription {
  handleFast: FastHandler;
}

/** Lets the compiler infer the types of params, query and body from their schemas. */
export const defineRoute = <P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  route: Route<P, Q, B>,
): Route => route as unknown as Route;

export const json = (status: number, body: unknown, headers?: Record<string, string>): Reply => ({
  status,
  body,
  ...(headers ? { headers } : {}),
});

export const noContent: Reply = { status: 204 };

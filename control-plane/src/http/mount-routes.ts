import type { Express, NextFunction, Request, Response } from 'express';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { type FieldError, Refusal } from '../primitives/refusal';
import { anonymous, authenticate, authorize, type Identity, type TokenLookup } from './authenticate';
import { checkText } from './check-text';
import { refusalOf, sendProblem } from './problem-details';
import { readBody } from './read-body';
import { formType, readForm } from './read-form';
import { handled, type Route } from './route';

export interface MountOptions {
  lookup: TokenLookup;
  /** Identity of a customer's portal token; undefined where there is no portal. */
  portalLookup?: (token: string) => Promise<Identity | undefined>;
  log: Logger;
  bodyLimitBytes: number;
}

/** Serves routes with Express: authenticates, validates, answers, and turns every failure into problem details. */
export const mountRoutes = (app: Express, routes: readonly Route[], options: MountOptions): void => {
  for (const route of routes) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    app[route.method](path, (request: Request, response: Response, next: NextFunction) => {
      serve(route, request, response, options).catch(next);
    });
  }
};

const serve = async (
  route: Route,
  request: Request,
  response: Response,
  options: MountOptions,
): Promise<void> => {
  const identity = await identify(route, request, options);
  const input = {
    params: check(route, route.params, { ...request.params }, 'path'),
    query: check(route, route.query, request.query, 'query'),
    body: route.body
      ? check(route, route.body, await readInput(route, request, options.bodyLimitBytes), 'body')
      : undefined,
    identity,
    requestId: requestIdOf(response),
    request,
    response,
  };
  const reply = await route.handle(input as never);
  if (reply === handled) return;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  response.status(reply.status);
  if (reply.body === undefined) response.end();
  else response.json(reply.body);
};

const identify = async (route: Route, request: Request, options: MountOptions): Promise<Identity> => {
  if (route.scope === 'public') return anonymous;
  if (route.scope === 'portal') return authenticatePortal(request, options);
  // Served in front of Express alone, where the session is looked up.
  if (route.scope === 'session') throw new Error(`${route.path} cannot be served here`);
  const identity = await authenticate(request, options.lookup);
  authorize(identity, route.scope);
  return identity;
};

const authenticatePortal = async (request: Request, options: MountOptions): Promise<Identity> => {
  const token = /^Bearer +(\S{1,4096})$/i.exec(request.headers.authorization ?? '')?.[1];
  const identity = token && options.portalLookup ? await options.portalLookup(token) : undefined;
  if (!identity)
    throw new Refusal('unauthenticated', 'unauthenticated', 'send a valid portal token as bearer token');
  return identity;
};

export const requestIdHeader = 'X-Request-Id';
export const requestIdOf = (response: Response): string => String(response.getHeader(requestIdHeader) ?? '');

const jsonTypes = /^(?:application\/(?:[\w.-]+\+)?json)\s*(?:;|$)/i;

const readInput = (route: Route, request: Request, limitBytes: number): Promise<unknown> =>
  route.bodyTypes?.includes(formType) ? readForm(request, limitBytes) : readJson(request, limitBytes);

const readJson = async (request: Request, limitBytes: number): Promise<unknown> => {
  const contentType = request.headers['content-type'];
  const body = await readBody(request, limitBytes);
  if (body.length === 0) return undefined;
  if (contentType !== undefined && !jsonTypes.test(contentType)) {
    throw new Refusal(
      'invalid',
      'content_type',
      `Content-Type must be application/json, not "${contentType.slice(0, 128)}"`,
    );
  }
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new Refusal('invalid', 'malformed_json', `the body is not JSON: ${(error as Error).message}`);
  }
};

const check = (
  { errorBody }: Route,
  schema: z.ZodType | undefined,
  value: unknown,
  where: 'path' | 'query' | 'body',
): unknown => {
  if (!schema) return value;
  checkText(value, where);
  // Interfaces with an error shape of their own tell what is missing from what is wrong.
  const result = schema.safeParse(value, { reportInput: errorBody !== undefined });
  if (result.success) return result.data;
  const fields = fieldErrorsOf(result.error, where);
  const summary = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new Refusal('invalid', 'validation_failed', `the ${where} is not valid: ${summary}`, { fields });
};

/** Validation issues as field errors, with JSONPaths for bodies and plain names elsewhere. */
export const fieldErrorsOf = (error: z.ZodError, where: 'path' | 'query' | 'body'): FieldError[] =>
  error.issues.slice(0, 100).map((issue) => {
    const path = issue.path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
      .join('');
    const field = where === 'body' ? `$${path}` : path.replace(/^\./, '');
    const isMissing = issue.code === 'invalid_type' && 'input' in issue && issue.input === undefined;
    return { code: isMissing ? 'required' : (issue.code ?? 'invalid'), field, message: issue.message };
  });

/** The last handler: refusals are answered, anything else is logged with its cause and answered without it. */
export const answerErrors =
  (log: Logger) =>
  (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    const refusal = refusalOf(error);
    const requestId = requestIdOf(response);
    if (!refusal)
      log.error({ err: error, requestId, method: request.method, path: request.path }, 'request failed');
    if (response.headersSent) {
      next(error);
      return;
    }
    sendProblem(response, refusal, requestId);
  };

import { endSession, readToken } from '../session/session';
import { ApiProblem, problemOf } from './problem';
import { type Query, queryText } from './query-text';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Call {
  method?: Method;
  path: string;
  query?: Query;
  body?: unknown;
  /** Media type of the body; JSON unless told. */
  contentType?: string;
  accept?: string;
  signal?: AbortSignal | undefined;
}

const timeLimitMs = 30_000;

/** Asks the public API with the session's token. @throws ApiProblem */
export const call = async (request: Call, token = readToken()): Promise<Response> => {
  const { method = 'GET', path, query, body, contentType = 'application/json', accept } = request;
  const limit = AbortSignal.timeout(timeLimitMs);
  const signal = request.signal ? AbortSignal.any([request.signal, limit]) : limit;
  let response: Response;
  try {
    response = await fetch(path + queryText(query), {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(accept ? { accept } : {}),
        ...(body === undefined ? {} : { 'content-type': contentType }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The token is the only credential, and no cache may keep what it reads.
      credentials: 'omit',
      cache: 'no-store',
      signal,
    });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw new ApiProblem(0, 'no_answer', 'the control plane does not answer; is it running?');
  }
  if (response.ok) return response;
  const problem = problemOf(response.status, await response.text());
  if (problem.status === 401 && token === readToken()) endSession(problem.message);
  throw problem;
};

/**
 * The same, with its answer read as JSON, or by `read` where numbers must keep more digits; undefined for an empty one.
 * @throws ApiProblem
 */
export const callJson = async <T>(
  request: Call,
  token?: string,
  read: (text: string) => unknown = JSON.parse,
): Promise<T> => {
  const response = await call(request, token);
  const text = await response.text();
  return (text === '' ? undefined : read(text)) as T;
};

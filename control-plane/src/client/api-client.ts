import type { ProblemDetails } from '../http/problem-details';

/** The API refused a request, or could not be reached. The message names the request, the reason and, where known, the remedy. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** Undefined when there was no answer. */
    readonly status: number | undefined,
    readonly code: string,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'ApiError';
  }
}

export interface ApiClient {
  readonly url: string;
  /** Sends JSON and returns the parsed answer; undefined for an empty one. @throws ApiError for anything but 2xx */
  request<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  /** All items of a paged list, page by page. */
  list<T>(path: string): Promise<T[]>;
  /** The raw answer, for bodies that are no JSON. @throws ApiError for anything but 2xx */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export interface ApiClientOptions {
  url: string;
  token: string;
  /** Milliseconds for one request. */
  timeoutMs?: number;
}

const defaultTimeoutMs = 60_000;
const pageSize = 100;
/** Pages of one list at most: a server that never comes to an end is not asked for ever. */
const maximumPages = 10_000;

/** A client of the public HTTP API: the CLI and the declaration of resources speak to the server only through it. */
export const createApiClient = (options: ApiClientOptions): ApiClient => {
  const url = options.url.replace(/\/+$/, '');

  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const name = `${init.method ?? 'GET'} ${url}${path}`;
    let response: Response;
    try {
      response = await fetch(`${url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${options.token}`, ...init.headers },
        signal: AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs),
      });
    } catch (error) {
      throw unreachable(name, error);
    }
    if (!response.ok) throw await refused(name, response);
    return response;
  };

  const request = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await send(path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };

  const list = async <T>(path: string): Promise<T[]> => {
    const items: T[] = [];
    for (let page = 1; page <= maximumPages; page += 1) {
      const separator = path.includes('?') ? '&' : '?';
      const answer = await request<T[] | { items: T[]; totalCount?: number }>(
        'GET',
        `${path}${separator}page=${page}&pageSize=${pageSize}`,
      );
      if (Array.isArray(answer)) return answer;
      items.push(...answer.items);
      if (answer.items.length < pageSize) break;
    }
    return items;
  };

  return { url, request, list, fetch: send };
};

const unreachable = (name: string, error: unknown): ApiError => {
  const cause = (error as { cause?: { code?: string } }).cause;
  const reason = cause?.code ?? (error as Error).message;
  return new ApiError(
    `${name}: no answer (${reason}); is Tollgate running there? Set --url or TOLLGATE_URL`,
    undefined,
    'unreachable',
    error,
  );
};

const refused = async (name: string, response: Response): Promise<ApiError> => {
  const problem = (await response.json().catch(() => ({}))) as Partial<ProblemDetails>;
  const remedy = remedies[response.status];
  return new ApiError(
    `${name}: ${response.status} ${problem.detail ?? response.statusText}${remedy ? `; ${remedy}` : ''}`,
    response.status,
    problem.code ?? 'unknown',
  );
};

const remedies: Record<number, string> = {
  401: 'set --token-file or TOLLGATE_API_TOKEN to a token in force',
  403: 'use a token with the scope named',
};

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { AxiosError, type AxiosResponse, type Method } from 'axios';
import { GatewayError } from './gateway-error';
import { Slots } from './slots';

export interface AdminClientOptions {
  /** Where paths begin, e.g. http://127.0.0.1:8001/default. */
  baseUrl: string;
  headers: Readonly<Record<string, string>>;
  /** For one call from start to end, milliseconds. */
  timeoutMs: number;
  /** Calls under way at most. */
  concurrency: number;
  /** Epoch milliseconds, to read a Retry-After that is a date. */
  now: () => number;
}

export interface AdminAnswer {
  status: number;
  /** Parsed JSON, or text. */
  body: unknown;
}

/** One page of a Kong list. */
interface Page {
  data?: unknown[];
  consumers?: unknown[];
  offset?: string | null;
}

/** Statuses that are the caller's to understand; any other below 500 is refused for all. */
const answersToChanges = new Set([304, 400, 404, 405, 409]);

/** 64 MiB: a configuration of 100,000 consumers is about half of it. */
const bodyLimitBytes = 64 << 20;

/** A list ends after so many pages: ten million rows. */
const pageLimit = 10_000;
const pageSize = 1_000;

/** Speaks to an Admin API over a few kept-alive connections. Redirects are not followed, so that a token stays where it belongs. */
export class AdminClient {
  private readonly http: ReturnType<typeof axios.create>;
  private readonly slots: Slots;

  constructor(private readonly options: AdminClientOptions) {
    this.slots = new Slots(options.concurrency);
    const agentOptions = { keepAlive: true, maxSockets: options.concurrency, timeout: options.timeoutMs };
    this.http = axios.create({
      baseURL: options.baseUrl.replace(/\/+$/, ''),
      headers: { ...options.headers, Accept: 'application/json' },
      maxRedirects: 0,
      maxContentLength: bodyLimitBytes,
      maxBodyLength: bodyLimitBytes,
      proxy: false,
      validateStatus: () => true,
      httpAgent: new HttpAgent(agentOptions),
      httpsAgent: new HttpsAgent(agentOptions),
    });
  }

  /**
   * One call. Answers below 500 that a caller may expect are returned.
   * @throws GatewayError that concerns the gateway, for everything else
   */
  call(method: Method, path: string, body?: unknown): Promise<AdminAnswer> {
    return this.slots.run(() => this.callNow(method, path, body));
  }

  /** The time for the answer runs from here: waiting for a slot is not the gateway's doing. */
  private async callNow(method: Method, path: string, body: unknown): Promise<AdminAnswer> {
    let response: AxiosResponse;
    const signal = AbortSignal.timeout(this.options.timeoutMs);
    try {
      response = await this.http.request({ method, url: path, data: body, signal });
    } catch (error) {
      throw this.failureOf(error, signal, `${method} ${path}`);
    }
    const { status } = response;
    if ((status >= 200 && status < 300) || answersToChanges.has(status))
      return { status, body: response.data };
    throw this.refusalOf(response, `${method} ${path}`);
  }

  /** All rows of a list, page by page. */
  async list(path: string): Promise<unknown[]> {
    const rows = await this.listIfPresent(path);
    if (rows) return rows;
    throw new GatewayError(
      'misconfigured',
      `GET ${path}: 404; check the gateway's address, driver and workspace`,
    );
  }

  /** All rows of a list, page by page; undefined when the gateway has no such list. */
  async listIfPresent(path: string): Promise<unknown[] | undefined> {
    const rows: unknown[] = [];
    let offset: string | null | undefined;
    for (let page = 0; page < pageLimit; page += 1) {
      const after = offset ? `&offset=${encodeURIComponent(offset)}` : '';
      const { status, body } = await this.call('GET', `${path}?size=${pageSize}${after}`);
      if (status === 404) return undefined;
      // Kong before 3.5 lists the members of a group as `consumers`, without pages.
      const { data, consumers, offset: next } = (body ?? {}) as Page;
      const found = data ?? consumers;
      if (status !== 200 || !Array.isArray(found)) {
        throw new GatewayError('misconfigured', `GET ${path}: ${status} ${messageOf(body)}; this is no list`);
      }
      rows.push(...found);
      offset = next;
      if (!offset) return rows;
    }
    throw new GatewayError('misconfigured', `GET ${path}: the list does not end after ${pageLimit} pages`);
  }

  private failureOf(error: unknown, signal: AbortSignal, call: string): GatewayError {
    if (signal.aborted) {
      return new GatewayError(
        'slow',
        `${call}: no answer within ${this.options.timeoutMs} ms`,
        undefined,
        error,
      );
    }
    const code = error instanceof AxiosError ? (error.code ?? error.message) : String(error);
    return new GatewayError('unreachable', `${call}: ${code}`, undefined, error);
  }

  private refusalOf({ status, headers, data }: AxiosResponse, call: string): GatewayError {
    const text = `${call}: ${status} ${messageOf(data)}`;
    if (status === 401 || status === 403) {
      return new GatewayError('unauthorized', `${text}; check the gateway's token and its rights`);
    }
    const retryAfterMs = parseRetryAfter(headers['retry-after'], this.options.now());
    if (status === 429) return new GatewayError('rate_limited', text, retryAfterMs);
    if (status >= 500) return new GatewayError('failing', text, retryAfterMs);
    return new GatewayError('misconfigured', `${text}; check the gateway's address and driver`);
  }
}

/** Kong's `message`, or the beginning of whatever came. */
export const messageOf = (body: unknown): string => {
  const message = (body as { message?: unknown } | null)?.message;
  if (typeof message === 'string') return message.slice(0, 300);
  if (body === undefined || body === null || body === '') return '(no body)';
  return (typeof body === 'string' ? body : JSON.stringify(body)).slice(0, 300);
};

/** Retry-After in seconds or as a date (RFC 9110 10.2.3), as milliseconds from now; at most an hour. */
export const parseRetryAfter = (value: unknown, now: number): number | undefined => {
  if (typeof value !== 'string') return undefined;
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), 3_600_000) : undefined;
};

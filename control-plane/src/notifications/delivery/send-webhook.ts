import { lookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { ForbiddenDestinationError, guardedLookup, isInternalHost } from './destination-guard';
import type { AttemptOutcome } from './retry-schedule';

export interface WebhookSenderOptions {
  /** Lets webhooks go to loopback, link-local and private addresses. */
  allowPrivateDestinations: boolean;
  /** From the first byte out to the last byte in, milliseconds. */
  timeoutMs: number;
  /** Bytes of an answer that are kept; the rest is not read. */
  maximumBodyBytes: number;
  lookup?: LookupFunction;
}

export interface WebhookRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface WebhookSender {
  /** POSTs a webhook. Every failure is an outcome; it never rejects. */
  send(request: WebhookRequest): Promise<AttemptOutcome>;
  /** Interrupts what is under way and closes the connections. */
  close(): void;
}

/**
 * Sends webhooks over kept-alive connections, without following redirects: a redirect is an answer like another, so it
 * cannot lead around the destination guard. Plain node:http, since the guard sits in the socket's own lookup.
 */
export const createWebhookSender = (options: WebhookSenderOptions): WebhookSender => {
  const agentOptions = {
    keepAlive: true,
    maxFreeSockets: 64,
    ...(options.allowPrivateDestinations
      ? {}
      : { lookup: guardedLookup(options.lookup ?? (lookup as LookupFunction)) }),
  };
  const underWay = new Set<AbortController>();
  const agents = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) };

  const exchange = (request: WebhookRequest, signal: AbortSignal): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const url = new URL(request.url);
      if (!options.allowPrivateDestinations && isInternalHost(url.hostname)) {
        throw new ForbiddenDestinationError(url.hostname);
      }
      const [begin, agent] =
        url.protocol === 'https:' ? [https.request, agents.https] : [http.request, agents.http];
      const sent = begin(url, {
        method: 'POST',
        agent,
        signal,
        headers: { ...request.headers, 'content-length': String(Buffer.byteLength(request.body)) },
      });
      sent.on('error', (error) => reject(Object.assign(error, { wasReused: sent.reusedSocket })));
      sent.on('response', (response) => {
        readUpTo(response, options.maximumBodyBytes).then(
          (body) =>
            resolve({
              statusCode: response.statusCode,
              body,
              retryAfter: response.headers['retry-after'],
            }),
          reject,
        );
      });
      sent.end(request.body);
    });

  return {
    send: async (request) => {
      const begun = performance.now();
      const controller = new AbortController();
      underWay.add(controller);
      const timeout = setTimeout(() => controller.abort(new TimeoutError()), options.timeoutMs);
      const outcome = (answer: Answer): AttemptOutcome => ({
        ...answer,
        durationMs: Math.round(performance.now() - begun),
      });
      try {
        // The receiver may close a kept connection just as it is used again: a fresh one tells whether it is there.
        const answer = await exchange(request, controller.signal).catch((error: unknown) => {
          if (!closedWhileIdle(error)) throw error;
          return exchange(request, controller.signal);
        });
        return outcome(answer);
      } catch (error) {
        return outcome({ statusCode: undefined, body: reasonOf(error, options.timeoutMs) });
      } finally {
        clearTimeout(timeout);
        underWay.delete(controller);
      }
    },
    close: () => {
      for (const controller of underWay) controller.abort();
      agents.http.destroy();
      agents.https.destroy();
    },
  };
};

class TimeoutError extends Error {}

type Answer = Omit<AttemptOutcome, 'durationMs'>;

/** The beginning of a body as text that the database can hold; a longer one costs the connection. */
const readUpTo = (response: http.IncomingMessage, maximumBytes: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (): void => {
      const text = Buffer.concat(chunks).subarray(0, maximumBytes).toString('utf8');
      resolve(text.replaceAll('\u0000', '\ufffd'));
    };
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= maximumBytes) return;
      finish();
      response.destroy();
    });
    response.on('end', finish);
    response.on('error', reject);
  });

const closedWhileIdle = (error: unknown): boolean => {
  const { code, wasReused } = error as { code?: string; wasReused?: boolean };
  return wasReused === true && (code === 'ECONNRESET' || code === 'EPIPE');
};

const reasonOf = (error: unknown, timeoutMs: number): string => {
  const { name, message, code, cause } = error as Error & { code?: string };
  if (error instanceof TimeoutError || cause instanceof TimeoutError) {
    return `no complete answer within ${timeoutMs} ms`;
  }
  if (name === 'AbortError') return 'interrupted: the sender is stopping';
  return message || code || 'the connection failed';
};

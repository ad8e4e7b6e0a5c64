import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedWebhook {
  path: string;
  headers: IncomingHttpHeaders;
  /** The body as it came. */
  text: string;
  body: { id: string; type: string; timestamp: string; data: Record<string, never> };
}

/** Answers a webhook; the default is 204. A behaviour that never ends the response makes the receiver hang. */
export type WebhookBehaviour = (response: ServerResponse, webhook: ReceivedWebhook) => void;

export interface WebhookReceiver {
  /** http://127.0.0.1:port, without a path. */
  url: string;
  received: ReceivedWebhook[];
  on(path: string): ReceivedWebhook[];
  /** What a path answers from now on. */
  answer(path: string, behaviour: WebhookBehaviour): void;
  /** Called for each webhook, before it is answered. */
  onArrival(listener: (webhook: ReceivedWebhook) => void): void;
  close(): Promise<void>;
}

/** A receiver of webhooks on a free loopback port that keeps what it got. */
export const startWebhookReceiver = async (port = 0): Promise<WebhookReceiver> => {
  const received: ReceivedWebhook[] = [];
  const behaviours = new Map<string, WebhookBehaviour>();
  const listeners: ((webhook: ReceivedWebhook) => void)[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const webhook = { path: request.url ?? '/', headers: request.headers, text, body: JSON.parse(text) };
      received.push(webhook);
      for (const listener of listeners) listener(webhook);
      const behaviour = behaviours.get(webhook.path);
      if (behaviour) behaviour(response, webhook);
      else response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', 4_096, resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    on: (path) => received.filter((webhook) => webhook.path === path),
    answer: (path, behaviour) => behaviours.set(path, behaviour),
    onArrival: (listener) => listeners.push(listener),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

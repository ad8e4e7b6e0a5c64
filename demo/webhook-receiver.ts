import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

/** A delivery that arrived, verified. */
export interface Delivery {
  type: string;
  subject: string;
  threshold: string | undefined;
  /** Epoch milliseconds of arrival. */
  arrivedAt: number;
}

interface Body {
  type: string;
  data: {
    subject?: { key?: string };
    customer?: { key?: string };
    threshold?: { type: string; value: number };
  };
}

export interface WebhookReceiver {
  url: string;
  deliveries: readonly Delivery[];
  /** Requests whose signature did not hold. */
  refused: () => number;
  close(): Promise<void>;
}

/** Receives the webhooks that warn a person, and checks their Standard Webhooks signatures as such a person should. */
export const startWebhookReceiver = async (port: number, secret: string): Promise<WebhookReceiver> => {
  const webhook = new Webhook(secret);
  const deliveries: Delivery[] = [];
  let refused = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const arrivedAt = Date.now();
      try {
        const { type, data } = webhook.verify(
          Buffer.concat(chunks),
          request.headers as Record<string, string>,
        ) as Body;
        const { threshold } = data;
        deliveries.push({
          type,
          subject: data.customer?.key ?? data.subject?.key ?? '',
          threshold: threshold ? `${threshold.value} ${threshold.type}` : undefined,
          arrivedAt,
        });
        response.statusCode = 204;
      } catch {
        refused += 1;
        response.statusCode = 401;
      }
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}/`,
    deliveries,
    refused: () => refused,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

import express, { type Express, type Request, type Response } from 'express';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

/** A notification, as far as this example looks at it. */
export interface Notification {
  id: string;
  type: string;
  data: {
    customer?: { key?: string };
    feature?: { key: string };
    threshold?: { type: string; value: number };
    value?: { hasAccess: boolean; usage: number };
  };
}

export interface ReceiverOptions {
  /** The channel's signing secret, shown once when the channel was created. */
  signingSecret: string;
  /** What the channel's custom header X-Webhook-Secret holds. */
  sharedSecret: string;
  /** Called once for each notification, however often it is delivered. */
  onNotification(notification: Notification): void;
}

/** Ids of the notifications that were handled; a real receiver keeps them in its database. */
const rememberedIds = 10_000;

/**
 * An Express app that takes Tollgate's webhooks at POST /webhooks/tollgate. It answers 401 without the shared secret, 400
 * for a signature that is missing, wrong or too old, and 204 for everything that it has taken, the second time too.
 */
export const createReceiver = ({ signingSecret, sharedSecret, onNotification }: ReceiverOptions): Express => {
  const webhook = new Webhook(signingSecret);
  const handled = new Set<string>();
  const app = express();

  // The signature is over the bytes as they came, so the body must not be parsed and written anew before it is checked.
  app.post(
    '/webhooks/tollgate',
    express.text({ type: 'application/json', limit: '1mb' }),
    (request, response) => {
      if (request.get('x-webhook-secret') !== sharedSecret) {
        response.status(401).json({ error: 'the header X-Webhook-Secret is missing or wrong' });
        return;
      }
      const notification = verified(webhook, request, response);
      if (!notification) return;
      if (!handled.has(notification.id)) {
        handled.add(notification.id);
        if (handled.size > rememberedIds) handled.delete(handled.values().next().value!);
        onNotification(notification);
      }
      response.status(204).end();
    },
  );
  return app;
};

/** The notification, or undefined after answering 400. */
const verified = (webhook: Webhook, request: Request, response: Response): Notification | undefined => {
  try {
    const headers = request.headers as Record<string, string>;
    return webhook.verify(typeof request.body === 'string' ? request.body : '', headers) as Notification;
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    response.status(400).json({ error: error.message });
    return undefined;
  }
};

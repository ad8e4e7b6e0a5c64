import { createHmac, randomBytes } from 'node:crypto';

const prefix = 'whsec_';

/** A signing secret as OpenMeter has them: optional prefix, then base64. */
export const signingSecretPattern = /^(whsec_)?[a-zA-Z0-9+/=]{32,100}$/;

export const newSigningSecret = (): string => `${prefix}${randomBytes(32).toString('base64')}`;

/**
 * The headers that let the receiver check who sent a body, when, and that it is whole: Standard Webhooks 1.0.0
 * (standardwebhooks.com, "webhook-id|timestamp|signature") and the same under Svix's names, which OpenMeter's receivers know.
 * The signature is HMAC-SHA256 over `id.timestamp.body` under the decoded secret.
 *
 * @param id the same for every attempt, so that the receiver can recognise what it has seen
 * @param at epoch milliseconds of the attempt; receivers refuse timestamps minutes away
 */
export const signatureHeaders = (
  secret: string,
  id: string,
  at: number,
  body: string,
): Record<string, string> => {
  const timestamp = String(Math.floor(at / 1_000));
  const key = Buffer.from(secret.startsWith(prefix) ? secret.slice(prefix.length) : secret, 'base64');
  const signature = `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`, 'utf8').digest('base64')}`;
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature,
    'svix-id': id,
    'svix-timestamp': timestamp,
    'svix-signature': signature,
  };
};

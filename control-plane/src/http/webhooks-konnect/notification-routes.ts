import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Enforcement } from '../../enforcement';
import { Refusal } from '../../primitives/refusal';
import { defineRoute, noContent, type Route } from '../route';

/** The header that a notification channel sends the shared secret in, as one of its custom headers. */
const secretHeader = 'x-tollgate-secret';

const text = z.string().min(1).max(256);

/** A notification of OpenMeter or Konnect about an entitlement, as far as it matters here; the rest is left unread. */
const notification = z.object({
  id: z.string().max(256).optional(),
  type: z.string().min(1).max(256),
  timestamp: z.iso.datetime({ offset: true }).optional(),
  data: z
    .object({
      feature: z.object({ key: text }).optional(),
      subject: z.object({ key: text }).nullish(),
      customer: z
        .object({
          id: text.optional(),
          key: text.nullish(),
          name: z.string().max(256).nullish(),
          usageAttribution: z.object({ subjectKeys: z.array(text).max(1_000) }).nullish(),
        })
        .nullish(),
      value: z.object({ hasAccess: z.boolean().nullish(), balance: z.number().nullish() }).nullish(),
    })
    .optional(),
});

type Notification = z.output<typeof notification>;

const aboutEntitlements = /^entitlements\./;

/**
 * Whether the customer has access, by the notification's own word, or by its balance where it gives none; a reset without
 * either gives it back.
 */
const accessOf = ({ type, data }: Notification): boolean => {
  const { hasAccess, balance } = data?.value ?? {};
  return hasAccess ?? (typeof balance === 'number' ? balance > 0 : type === 'entitlements.reset');
};

const reportOf = (body: Notification, now: number) => {
  const { feature, subject, customer } = body.data ?? {};
  const subjectKeys = [...(customer?.usageAttribution?.subjectKeys ?? []), ...(subject ? [subject.key] : [])];
  const key = customer?.key ?? subjectKeys[0] ?? customer?.id;
  if (!feature || !key) {
    const field = feature ? '$.data.customer' : '$.data.feature';
    const message = 'the notification names no feature, or neither a customer nor a subject';
    throw new Refusal('invalid', 'validation_failed', message, {
      fields: [{ code: 'required', field, message: 'is required' }],
    });
  }
  return {
    featureKey: feature.key,
    hasAccess: accessOf(body),
    at: body.timestamp ? Date.parse(body.timestamp) : now,
    customer: { key, name: customer?.name ?? key, subjectKeys },
  };
};

const digest = (value: string): Buffer => createHash('sha256').update(value, 'utf8').digest();

const checkSecret = (request: IncomingMessage, secret: string | undefined): void => {
  const given = request.headers[secretHeader];
  if (typeof given !== 'string' || given === '') {
    throw new Refusal(
      'unauthenticated',
      'unauthenticated',
      `send the shared secret in the header ${secretHeader}`,
    );
  }
  if (secret === undefined || !timingSafeEqual(digest(given), digest(secret))) {
    throw new Refusal(
      'unauthenticated',
      'unauthenticated',
      'the shared secret is not the one that is expected',
    );
  }
};

/**
 * Notifications of a metering elsewhere (hosted Konnect Metering & Billing, or OpenMeter), so that it decides and Tollgate
 * cuts off.
 * @param secretOf the shared secret; without one every notification is refused
 */
export const konnectWebhookRoutes = (
  { report }: Pick<Enforcement, 'report'>,
  secretOf: () => string | undefined,
  now: () => number,
): Route[] => [
  defineRoute({
    method: 'post',
    path: '/webhooks/konnect',
    scope: 'public',
    tag: 'Access',
    summary: 'Take in a notification of Konnect or OpenMeter about an entitlement',
    body: z.unknown(),
    responses: {
      204: { description: 'Taken; notifications about anything but entitlements change nothing.' },
      400: { description: 'This is no such notification.' },
      401: { description: 'The shared secret is missing or wrong.' },
    },
    handle: async ({ request, body }) => {
      checkSecret(request, secretOf());
      const result = notification.safeParse(body);
      if (!result.success) {
        const fields = result.error.issues.slice(0, 20).map((issue) => ({
          code: issue.code ?? 'invalid',
          field: `$.${issue.path.join('.')}`,
          message: issue.message,
        }));
        throw new Refusal('invalid', 'validation_failed', 'this is no notification of Konnect or OpenMeter', {
          fields,
        });
      }
      if (aboutEntitlements.test(result.data.type)) await report(reportOf(result.data, now()));
      return noContent;
    },
  }),
];

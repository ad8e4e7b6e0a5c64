import { z } from 'zod';
import {
  type Channel,
  type NotificationEvent,
  type Rule,
  type RuleInput,
  ruleTypes,
  signingSecretPattern,
} from '../../notifications';
import { metadata, resourceId, resourceName, timeText, toTimeText } from './fields';

/** Bodies of OpenMeter's v1 notification API (NotificationChannel*, NotificationRule*, NotificationEvent*). */

const ulid = z
  .string()
  .regex(/^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$/, 'must be a ULID')
  .transform((id) => id.toUpperCase());

const masked = '********';

export const idParameter = <Name extends string>(name: Name) =>
  z.object({ [name]: ulid } as Record<Name, typeof ulid>);

export const channelBody = z
  .object({
    type: z.literal('WEBHOOK'),
    name: resourceName,
    disabled: z.boolean().default(false),
    url: z.string().min(1).max(2_048),
    customHeaders: z
      .record(z.string().min(1).max(256), z.string().max(4_096))
      .default({})
      .describe(`Sent with every webhook. The value "${masked}" keeps the one there is.`),
    signingSecret: z
      .string()
      .regex(
        signingSecretPattern,
        'must be 32 to 100 characters of base64, with or without the prefix "whsec_"',
      )
      .optional()
      .describe('Made when absent at creation; kept when absent at a change.'),
    metadata: metadata.nullish(),
  })
  .meta({ id: 'NotificationChannelWebhookCreateRequest' });

export const channelInputOf = (body: z.output<typeof channelBody>, present: Channel | undefined) => ({
  name: body.name,
  url: body.url,
  customHeaders: Object.fromEntries(
    Object.entries(body.customHeaders).map(([name, value]) => [
      name,
      value === masked ? (present?.customHeaders[name] ?? value) : value,
    ]),
  ),
  signingSecret: body.signingSecret,
  isDisabled: body.disabled,
  metadata: body.metadata ?? {},
});

export const channelSchema = z
  .object({
    id: resourceId,
    type: z.literal('WEBHOOK'),
    name: z.string(),
    disabled: z.boolean(),
    url: z.string(),
    customHeaders: z
      .record(z.string(), z.string())
      .describe('Values are masked for tokens that may only read.'),
    signingSecret: z.string().optional().describe('Only in the answer to the request that set or made it.'),
    metadata: z.record(z.string(), z.string()),
    createdAt: timeText,
    updatedAt: timeText,
    deletedAt: timeText.optional(),
  })
  .meta({ id: 'NotificationChannelWebhook' });

/** A channel as the API shows it; secrets only as far as they are asked for. */
export const channelResponse = (
  channel: Channel,
  shows: { signingSecret: boolean; headerValues: boolean },
): z.input<typeof channelSchema> => ({
  id: channel.id,
  type: channel.type,
  name: channel.name,
  disabled: channel.isDisabled,
  url: channel.url,
  customHeaders: shows.headerValues
    ? channel.customHeaders
    : Object.fromEntries(Object.keys(channel.customHeaders).map((name) => [name, masked])),
  ...(shows.signingSecret ? { signingSecret: channel.signingSecret } : {}),
  metadata: channel.metadata,
  ...timesOf(channel),
});

const timesOf = (resource: { createdAt: number; updatedAt: number; deletedAt: number | null }) => ({
  createdAt: toTimeText(resource.createdAt),
  updatedAt: toTimeText(resource.updatedAt),
  ...(resource.deletedAt === null ? {} : { deletedAt: toTimeText(resource.deletedAt) }),
});

const threshold = z.object({
  type: z.enum(['PERCENT', 'NUMBER', 'balance_value', 'usage_percentage', 'usage_value']),
  value: z.number().min(0).max(1e15),
});

const ruleBase = {
  name: resourceName,
  disabled: z.boolean().default(false),
  channels: z.array(ulid).min(1).max(5),
  metadata: metadata.nullish(),
};
const features = z.array(z.string().min(1).max(64)).min(1).max(100).optional();

export const ruleBody = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('entitlements.balance.threshold'),
      ...ruleBase,
      thresholds: z.array(threshold).min(1).max(10),
      features,
    }),
    z.object({ type: z.literal('entitlements.reset'), ...ruleBase, features }),
    z.object({ type: z.literal('invoice.created'), ...ruleBase }),
    z.object({ type: z.literal('invoice.updated'), ...ruleBase }),
    z.object({ type: z.literal('v1.billing.meter.error_report_triggered'), ...ruleBase }),
    z.object({ type: z.literal('v1.billing.meter.no_meter_found'), ...ruleBase }),
  ])
  .meta({ id: 'NotificationRuleCreateRequest' });

export const ruleInputOf = (body: z.output<typeof ruleBody>): RuleInput => ({
  type: body.type,
  name: body.name,
  isDisabled: body.disabled,
  thresholds: body.type === 'entitlements.balance.threshold' ? body.thresholds : null,
  features: 'features' in body ? (body.features ?? null) : null,
  channels: body.channels,
  metadata: body.metadata ?? {},
});

const channelMeta = z.object({ id: resourceId, type: z.literal('WEBHOOK') });

export const ruleSchema = z
  .object({
    id: resourceId,
    type: z.enum(ruleTypes),
    name: z.string(),
    disabled: z.boolean(),
    channels: z.array(channelMeta),
    thresholds: z.array(threshold).optional().describe('Of balance threshold rules.'),
    features: z
      .array(z.object({ id: resourceId, key: z.string() }))
      .optional()
      .describe('None for every feature.'),
    metadata: z.record(z.string(), z.string()),
    createdAt: timeText,
    updatedAt: timeText,
    deletedAt: timeText.optional(),
  })
  .meta({ id: 'NotificationRule' });

export const ruleResponse = (rule: Rule): z.input<typeof ruleSchema> => ({
  id: rule.id,
  type: rule.type,
  name: rule.name,
  disabled: rule.isDisabled,
  channels: rule.channels,
  ...(rule.thresholds ? { thresholds: rule.thresholds } : {}),
  ...(rule.features ? { features: rule.features.map(({ id, key }) => ({ id, key })) } : {}),
  metadata: rule.metadata,
  ...timesOf(rule),
});

export const deliveryState = z.enum(['SUCCESS', 'FAILED', 'SENDING', 'PENDING', 'RESENDING']);

export const eventSchema = z
  .object({
    id: resourceId,
    type: z.enum(ruleTypes),
    createdAt: timeText,
    rule: ruleSchema,
    payload: z
      .object({
        id: resourceId,
        type: z.enum(ruleTypes),
        timestamp: timeText,
        data: z.record(z.string(), z.unknown()),
      })
      .describe('The body of the webhook: a snapshot of the moment the event tells of.'),
    annotations: z.record(z.string(), z.unknown()),
    deliveryStatus: z.array(
      z.object({
        state: deliveryState,
        reason: z.string(),
        updatedAt: timeText,
        channel: channelMeta,
        nextAttempt: timeText.optional(),
        attempts: z.array(
          z.object({
            state: deliveryState,
            timestamp: timeText,
            response: z.object({
              statusCode: z.number().int().optional(),
              body: z.string().describe('The beginning of the answer, or why there was none.'),
              durationMs: z.number().int(),
              url: z.string(),
            }),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'NotificationEvent' });

export const eventResponse = (event: NotificationEvent): z.input<typeof eventSchema> => ({
  id: event.id,
  type: event.type,
  createdAt: toTimeText(event.createdAt),
  rule: ruleResponse(event.rule),
  payload: event.payload,
  annotations: event.annotations,
  deliveryStatus: event.deliveries.map((delivery) => ({
    state: delivery.state,
    reason: delivery.reason,
    updatedAt: toTimeText(delivery.updatedAt),
    channel: { id: delivery.channelId, type: 'WEBHOOK' },
    ...(delivery.nextAttemptAt === null ? {} : { nextAttempt: toTimeText(delivery.nextAttemptAt) }),
    attempts: delivery.attempts.map((attempt) => ({
      state: attempt.state,
      timestamp: toTimeText(attempt.at),
      response: {
        ...(attempt.statusCode === null ? {} : { statusCode: attempt.statusCode }),
        body: attempt.body,
        durationMs: attempt.durationMs,
        url: attempt.url,
      },
    })),
  })),
});

/** A page of resources. */
export const pageOf = (item: z.ZodType) =>
  z.object({
    items: z.array(item),
    page: z.number().int(),
    pageSize: z.number().int(),
    totalCount: z.number().int(),
  });

export const resendBody = z.object({ channels: z.array(ulid).max(100).optional() }).optional();

export const ulidParameter = ulid;

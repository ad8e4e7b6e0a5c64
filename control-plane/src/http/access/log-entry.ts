import { z } from 'zod';
import type { AccessLogEntry } from '../../enforcement';
import { time, timeText } from './fields';

export const outcomes = ['done', 'already', 'failed', 'would'] as const;

export const logEntryResponse = z
  .object({
    id: z.string(),
    at: timeText,
    gatewayId: z.string(),
    gatewayKey: z.string(),
    policyId: z.string(),
    feature: z.string(),
    customerId: z.string(),
    customerKey: z.string().nullable(),
    consumerId: z.string().nullable(),
    consumer: z.string().nullable().describe("The consumer's username."),
    access: z.enum(['in', 'out']),
    outcome: z
      .enum(outcomes)
      .describe('`already`: the gateway said there was nothing to do; `would`: the policy only observes.'),
    reason: z.string().describe('What decided: entitled, not_entitled, reported, hold, allow, released.'),
    cause: z
      .string()
      .describe('What made Tollgate look: usage, reset, grant, hold, policy, drift, sweep, ...'),
    causedAt: timeText,
    durationMs: z.int().describe("From the cause to the gateway's answer."),
    callMs: z.int().describe("The gateway's calls alone."),
    changes: z.array(z.object({ group: z.string(), action: z.enum(['add', 'remove']), answer: z.string() })),
    errorCode: z.string().nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'AccessLogEntry' });

/** An entry as the API shows it. */
export const logEntryBody = ({ featureKey, ...entry }: AccessLogEntry): z.input<typeof logEntryResponse> => ({
  ...entry,
  feature: featureKey,
  at: time(entry.at)!,
  causedAt: time(entry.causedAt)!,
  changes: [...entry.changes],
});

import { z } from 'zod';
import type { ConsumerMemberships, KongConsumer } from './gateway-driver';
import { GatewayError } from './gateway-error';

/** Rows of the Admin API, as far as they matter here; the rest is left unread. */
const consumerRow = z.object({
  id: z.string(),
  username: z.string().nullish(),
  custom_id: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
});
const aclRow = z.object({ group: z.string(), consumer: z.object({ id: z.string() }) });

const groupRow = z.object({ id: z.string(), name: z.string() });

const parse = <T>(schema: z.ZodType<T>, row: unknown, what: string): T => {
  const result = schema.safeParse(row);
  if (result.success) return result.data;
  throw new GatewayError(
    'misconfigured',
    `the gateway's ${what} rows have an unknown form: ${result.error.message}`,
  );
};

export const consumerOf = (row: unknown): KongConsumer => {
  const { id, username, custom_id, tags } = parse(consumerRow, row, 'consumer');
  return { id, username: username ?? null, customId: custom_id ?? null, tags: tags ?? [] };
};

export const aclOf = (row: unknown): { group: string; consumerId: string } => {
  const { group, consumer } = parse(aclRow, row, 'acl');
  return { group, consumerId: consumer.id };
};

export const groupOf = (row: unknown): { id: string; name: string } => parse(groupRow, row, 'consumer group');

/** Memberships of every consumer, from what groups each is in. */
export const membershipsOf = (
  consumers: readonly KongConsumer[],
  groups: readonly string[],
  isMember: (consumerId: string, group: string) => boolean,
): ConsumerMemberships[] =>
  consumers.map((consumer) => ({
    consumer,
    groups: Object.fromEntries(
      groups.map((group) => [group, isMember(consumer.id, group) ? 'member' : 'absent'] as const),
    ),
  }));

import { sendError } from './answers';
import type { Exchange } from './exchange';

interface AclConfig {
  allow: string[] | null;
  deny: string[] | null;
  hide_groups_header: boolean;
  /** Enterprise and Konnect only. */
  include_consumer_groups?: boolean;
}

/** Kong's acl: lets the consumer pass by its groups, or answers 403 (401 where nobody is known). */
export function runAcl(exchange: Exchange, rawConfig: Record<string, unknown>): void {
  const config = rawConfig as unknown as AclConfig;
  const consumer = exchange.consumer;
  if (!consumer) {
    sendError(exchange, 401, 'Unauthorized');
    return;
  }
  const groups = config.include_consumer_groups
    ? [...new Set([...consumer.groups, ...consumer.consumerGroups])]
    : consumer.groups;
  const isAllowed = config.allow?.length
    ? groups.some((group) => config.allow!.includes(group))
    : !groups.some((group) => config.deny?.includes(group));
  if (!isAllowed) {
    sendError(exchange, 403, 'You cannot consume this service');
    return;
  }
  exchange.removedHeaders.add('x-consumer-groups');
  if (!config.hide_groups_header && groups.length > 0) {
    exchange.setHeaders.set('x-consumer-groups', groups.length === 1 ? groups[0]! : groups.join(', '));
  }
}

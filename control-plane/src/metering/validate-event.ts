import type { UsageEvent } from '../events';
import type { MetersByType } from './count-events';
import { readValue } from './read-value';

/**
 * Why an event that is stored does not count, or undefined when it does; a line a reason, in OpenMeter's words.
 * @param hasCustomer whether its subject belongs to a customer
 */
export const validationErrorOf = (
  meters: MetersByType,
  event: UsageEvent,
  hasCustomer: boolean,
): string | undefined => {
  const reasons = new Set<string>();
  const concerned = meters.get(event.type) ?? [];
  if (concerned.length === 0) reasons.add(`no meter found for event type: ${event.type}`);
  for (const compiled of concerned) {
    const value = readValue(compiled, event);
    if ('error' in value) reasons.add(value.error);
  }
  if (!hasCustomer) reasons.add(`no customer found for event subject: ${event.subject}`);
  return reasons.size > 0 ? [...reasons].join('\n') : undefined;
};

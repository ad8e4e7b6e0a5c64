import { customersOfSubjects, type MeterRegistry, validationErrorOf } from '../../metering';
import { type Database, definitionsVersion } from '../../storage';
import type { ListedEvent, ShownEvent } from './event-answer';

/** Events with the customer that each belongs to, and with why it does not count. */
export const describeEvents = async <Event extends ShownEvent>(
  events: readonly Event[],
  database: Database,
  meters: MeterRegistry,
): Promise<(ListedEvent & { event: Event })[]> => {
  if (events.length === 0) return [];
  const byType = await meters(database, await definitionsVersion(database));
  const customers = await customersOfSubjects(database, [...new Set(events.map(({ subject }) => subject))]);
  return events.map((event) => {
    const customerId = customers.get(event.subject);
    const validationError = validationErrorOf(byType, event, customerId !== undefined);
    return { event, customerId, validationError };
  });
};

import { readHistory, viewEntitlements } from '../../entitlements';
import type { Clock } from '../../primitives/clock';
import { isTimeZone, TooManyPeriodsError } from '../../primitives/periods';
import { invalid } from '../../primitives/refusal';
import { type Database, readConsistently } from '../../storage';
import { defineRoute, json, type Route } from '../route';
import { historyAnswer, historySchema } from './entitlement-answers';
import { historyQuery } from './entitlement-bodies';
import { entitlementParams, type HolderPath, requireEntitlement } from './entitlement-holders';

const refuse = (field: string, code: string, message: string) =>
  invalid('invalid_history', message, [{ code, field, message }]);

/** How a balance came about: by window, and by stretch between changes of grants and resets. */
export const historyRoute = (
  path: HolderPath,
  { database, clock }: { database: Database; clock: Clock },
): Route =>
  defineRoute({
    method: 'get',
    path: `${path.base}/{entitlement}/history`,
    scope: 'read',
    tag: path.tag,
    summary: 'The history of a balance',
    params: entitlementParams,
    query: historyQuery,
    responses: { 200: { description: 'Windows and burn-down.', schema: historySchema } },
    handle: async ({ params, query }) => {
      const now = clock.now();
      const customer = await path.customer(params.holder);
      const entitlement = await requireEntitlement(database, customer, params.entitlement, now);
      if (entitlement.type !== 'metered') {
        throw invalid(
          'not_metered',
          `the entitlement is ${entitlement.type}; only metered ones have a history`,
        );
      }
      if (!isTimeZone(query.windowTimeZone)) {
        throw refuse(
          'windowTimeZone',
          'unknown_time_zone',
          'windowTimeZone must be an IANA time zone such as Europe/Berlin',
        );
      }
      const [view] = await viewEntitlements(database, [entitlement], now);
      const from = Math.max(query.from ?? view!.usage!.period.from, entitlement.measureUsageFrom);
      const to = Math.min(query.to ?? now, now);
      if (query.from !== undefined && query.to !== undefined && query.from >= query.to) {
        throw refuse('to', 'invalid_range', 'to must be after from');
      }
      const history = await readConsistently(database, (queryable) =>
        readHistory(queryable, entitlement, {
          from,
          to,
          windowSize: query.windowSize,
          timeZone: query.windowTimeZone,
        }),
      ).catch((error: unknown) => {
        if (!(error instanceof TooManyPeriodsError)) throw error;
        throw refuse(
          'windowSize',
          'too_many_windows',
          `at most ${error.limit} windows fit in one answer; ask for a shorter span or a larger window`,
        );
      });
      return json(200, historyAnswer(history));
    },
  });

import { readUsage } from '../metering';
import type { Clock } from '../primitives/clock';
import { toQuantity, ZERO } from '../primitives/decimal';
import { readEachSparingly } from '../primitives/read-sparingly';
import type { Database } from '../storage';
import { readLargestShares, type ShareFilter, type UsedShare } from './closest-store';
import { type Forecast, forecastOf } from './forecast';
import { loadEntitlements } from './ledger-store';

/** How far the list goes: whoever wants more of it filters. */
const maximumListed = 1_000;
const minuteMs = 60_000;
/** The stretch from which the present rate follows. */
const recentMs = 60 * minuteMs;

export interface ClosestItem extends UsedShare {
  /** Undefined where the meter does not add up (LATEST, UNIQUE_COUNT), or was counted for less than a minute. */
  forecast: Forecast | undefined;
}

export interface ClosestPage {
  items: ClosestItem[];
  /** Of the list, which is cut at a thousand. */
  listed: number;
  /** Entitlements that match. */
  count: number;
}

/**
 * Entitlements in the order of the share that is used. Reading the list costs the more the more entitlements there are, so
 * it is read at most every two seconds, and less often where it takes long; figures and forecasts of the page asked for
 * are read each time.
 */
export const createClosestToLimit = ({ database, clock }: { database: Database; clock: Clock }) => {
  const listOf = readEachSparingly(
    (filter: ShareFilter) => readLargestShares(database, filter, clock.now(), maximumListed),
    { minimumAgeMs: 2_000 },
  );

  return async (filter: ShareFilter, slice: { limit: number; offset: number }): Promise<ClosestPage> => {
    const { items, count } = await listOf(filter);
    const page = items.slice(slice.offset, slice.offset + slice.limit);
    const forecasts = await forecastsOf(database, page, clock.now());
    return {
      items: page.map((item) => ({ ...item, forecast: forecasts.get(item.entitlementId) })),
      listed: items.length,
      count,
    };
  };
};

export type ClosestToLimit = ReturnType<typeof createClosestToLimit>;

const forecastsOf = async (
  database: Database,
  items: readonly UsedShare[],
  now: number,
): Promise<Map<string, Forecast>> => {
  const loaded = await loadEntitlements(
    database,
    items.map(({ entitlementId }) => ({ id: entitlementId, at: now })),
  );
  // Whole minutes only: they are read from rollups with one statement for all, parts of a minute from events.
  const to = Math.floor(now / minuteMs) * minuteMs;
  const byId = new Map(loaded.map((one) => [one.entitlement.id, one]));
  const questions = items.flatMap((item) => {
    const one = byId.get(item.entitlementId);
    const compiled = one?.feature.meter;
    if (!one || !compiled || !['SUM', 'COUNT'].includes(compiled.meter.aggregation)) return [];
    const from = Math.ceil(Math.max(now - recentMs, item.measuredFrom) / minuteMs) * minuteMs;
    if (from >= to) return [];
    return [{ item, request: { compiled, subjects: one.subjects, filters: one.feature.filters, from, to } }];
  });
  const amounts = await readUsage(
    database,
    questions.map(({ request }) => request),
  );
  return new Map(
    questions.flatMap(({ item, request }, index) => {
      const standing = {
        usage: toQuantity(item.usage),
        allowance: toQuantity(item.allowance),
        periodTo: item.periodTo,
      };
      const recent = { amount: amounts[index] ?? ZERO, from: request.from, to: request.to };
      const forecast = forecastOf(standing, recent, now);
      return forecast ? [[item.entitlementId, forecast] as const] : [];
    }),
  );
};

import { type CompiledMeter, compileMeter } from '../metering';
import type { Clock } from '../primitives/clock';
import { cachedByVersion, type Database, definitionsVersion, type Queryable } from '../storage';
import { allMetersWithKeys } from './stripe-meter-store';

/** What a meter event of one name needs to become a usage event. */
export interface EventNameEntry {
  customerKey: string;
  valueKey: string;
  /** The meters that count it; none when all are inactive. */
  active: CompiledMeter[];
  /** The meter that its errors are reported for. */
  meterId: string;
}

/** How old what is known about the definitions may be, milliseconds. */
const freshMs = 1_000;

/**
 * Event names and their meters, from memory: a change of the definitions, here or on another replica, is seen within a
 * second, and a name that is not known is looked up before it is refused. What is counted does not depend on it; the ingest
 * transaction has the definitions' exact version.
 */
export const createMeterDirectory = (database: Database, clock: Clock) => {
  const load = cachedByVersion(loadEntries);
  let known: { checkedAt: number; entries: ReadonlyMap<string, EventNameEntry> } | undefined;
  let refreshing: Promise<void> | undefined;

  const refresh = (): Promise<void> => {
    refreshing ??= (async () => {
      const checkedAt = clock.now();
      known = { checkedAt, entries: await load(database, await definitionsVersion(database)) };
    })().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };

  const isFresh = (): boolean => known !== undefined && Math.abs(clock.now() - known.checkedAt) < freshMs;

  return {
    /** The entries of event names, looked up anew where one of them is unknown. */
    entriesOf: async (names: Iterable<string>): Promise<ReadonlyMap<string, EventNameEntry>> => {
      if (!isFresh()) await refresh();
      for (const name of names) {
        if (known!.entries.has(name)) continue;
        // One that is under way may have begun before the meter was there.
        await refreshing;
        await refresh();
        break;
      }
      return known!.entries;
    },
    /** Has the next question look. */
    forget: (): void => {
      known = undefined;
    },
  };
};

export type MeterDirectory = ReturnType<typeof createMeterDirectory>;

const loadEntries = async (queryable: Queryable): Promise<ReadonlyMap<string, EventNameEntry>> => {
  const entries = new Map<string, EventNameEntry & { rank: number }>();
  for (const { meter, countsFromSeq, isStripes, customerKey, valueKey } of await allMetersWithKeys(
    queryable,
  )) {
    const isActive = meter.deactivatedAt === null;
    // The keys are those of the meter that counts, and of those the one that Stripe's API made.
    const rank = (isActive ? 2 : 0) + (isStripes ? 1 : 0);
    const entry = entries.get(meter.eventType) ?? {
      customerKey,
      valueKey,
      active: [],
      meterId: meter.id,
      rank,
    };
    if (isActive) entry.active.push(compileMeter(meter, countsFromSeq));
    if (rank > entry.rank) Object.assign(entry, { customerKey, valueKey, meterId: meter.id, rank });
    entries.set(meter.eventType, entry);
  }
  return entries;
};

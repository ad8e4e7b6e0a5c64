import type { FeatureRegistry } from './catalog';
import type { ToEvaluate } from './entitlements';
import { addUsage, usageDeltas } from './entitlements';
import { beginBatch, storeEvents, type UsageEvent } from './events';
import { countEvents, type MeterRegistry, type RollupStore } from './metering';
import { type Database, definitionsVersion, type Transaction } from './storage';

/** The parts of the flow, in its order; app.ts says which they are. */
export interface Stages {
  database: Database;
  meters: MeterRegistry;
  features: FeatureRegistry;
  rollups: RollupStore;
  /** Evaluates entitlements and records what follows: crossings, deliveries, access changes. */
  settle: (transaction: Transaction, entitlements: readonly ToEvaluate[], now: number) => Promise<void>;
  dedupWindowMs: number;
}

/** The definitions changed between preparing a batch and its transaction; the batch is prepared again. */
class DefinitionsChangedError extends Error {}

/**
 *     events -> metering -> entitlements -> thresholds -> notifications
 *                                                     \-> enforcement
 *
 * One transaction a batch: store the events, find the duplicates, add the new ones to the rollups and to the running
 * usage, and settle every entitlement that reached a limit. Returns the positions of duplicates after COMMIT.
 */
export const createIngestPipeline = (stages: Stages) => {
  const { database, meters, features, rollups } = stages;

  const commitOnce = async (events: UsageEvent[], definitions: number): Promise<ReadonlySet<number>> => {
    const meterMap = await meters(database, definitions);
    const featureMap = await features(database, definitions);
    const everything = countEvents(meterMap, events);
    const series = await rollups.resolve(everything);

    return database.transaction(async (transaction) => {
      const start = await beginBatch(transaction, stages.dedupWindowMs);
      if (start.definitions !== definitions) throw new DefinitionsChangedError();
      const fresh = await storeEvents(transaction, start, events);
      const counted = fresh ? countEvents(meterMap, events, fresh) : everything;
      await rollups.add(transaction, counted, series, start.firstSeq);
      const deltas = usageDeltas(featureMap, counted);
      const toEvaluate = await addUsage(transaction, deltas, definitions, start.receivedAt);
      if (toEvaluate.length > 0) await stages.settle(transaction, toEvaluate, start.receivedAt);
      return duplicatesOf(events.length, fresh);
    });
  };

  /** Definitions change rarely; a batch that met five changes in a row has met a fault. */
  const maximumAttempts = 5;
  let definitions: number | undefined;

  return async (events: UsageEvent[]): Promise<ReadonlySet<number>> => {
    for (let attempt = 1; ; attempt += 1) {
      definitions ??= await definitionsVersion(database);
      try {
        return await commitOnce(events, definitions);
      } catch (error) {
        if (!(error instanceof DefinitionsChangedError) || attempt >= maximumAttempts) throw error;
        definitions = undefined;
      }
    }
  };
};

const noDuplicates: ReadonlySet<number> = new Set();

const duplicatesOf = (count: number, fresh: ReadonlySet<number> | undefined): ReadonlySet<number> => {
  if (!fresh) return noDuplicates;
  const duplicates = new Set<number>();
  for (let position = 0; position < count; position += 1) if (!fresh.has(position)) duplicates.add(position);
  return duplicates;
};

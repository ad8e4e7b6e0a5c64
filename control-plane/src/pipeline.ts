import type { FeatureRegistry } from './catalog';
import {
  addUsage,
  type DueAlarm,
  type Evaluation,
  endOfTime,
  entitlementsOfMeter,
  evaluate,
  type Settle,
  saveStandings,
  usageDeltas,
} from './entitlements';
import {
  type BatchPlan,
  type FilterOfWeek,
  findCancelableEvent,
  markEventCanceled,
  openWeek,
  planBatches,
  type StoredEvent,
  storeEvents,
  type UsageEvent,
  WeekNotOpenError,
} from './events';
import {
  countEvents,
  EventsLostError,
  type MeterRegistry,
  type RollupStore,
  type SettleMeter,
  takeBack,
} from './metering';
import type { Clock } from './primitives/clock';
import type { IdentifierSource } from './primitives/identifiers';
import { type Database, definitionsVersion, StorageError, shareDefinitions } from './storage';
import { crossThresholds, type FactRecorder, type Facts, type WatchRegistry } from './thresholds';

/*
 *     events -> metering -> entitlements -> thresholds -> notifications
 *                                                     \-> enforcement
 *
 * This file shows which fact wakes which stage:
 *   an accepted event      adds to rollups and running usage        (createIngestPipeline)
 *   usage at a limit,
 *   a grant, a reset, an
 *   override, a due time   evaluate entitlements                    (createSettle)
 *   an event taken back    leaves rollups, evaluates, arms lines    (createCancellation)
 *   an evaluation          may cross thresholds
 *   a crossing, a reset    makes deliveries                         (notifications)
 *   access lost or gained  makes access changes                     (enforcement)
 * All of it happens in one transaction; what leaves the process afterwards is read from the tables written here.
 */

export interface SettleStages {
  watches: WatchRegistry;
  newId: IdentifierSource;
  /** notifications and enforcement, in any order: they do not know each other. */
  recorders: readonly FactRecorder[];
  /** Told when a standing that was saved will be due; wakes the worker that settles it then. */
  alarm?: Pick<DueAlarm, 'set'>;
}

/** The cause of what follows from an event that was taken back. */
const cancellation = 'canceled event';

export const createSettle =
  ({ watches, newId, recorders, alarm }: SettleStages): Settle =>
  async (transaction, changes, cause, now) => {
    if (changes.length === 0) return [];
    const [definitions, evaluations] = await Promise.all([
      definitionsVersion(transaction),
      evaluate(transaction, changes, now),
    ]);
    const inForce = await watches(transaction, definitions);
    const { crossings, wakeAt } = await crossThresholds(
      transaction,
      evaluations,
      inForce,
      newId,
      now,
      cause === cancellation,
    );
    await saveStandings(transaction, evaluations, wakeAt, definitions, now);
    const facts: Facts = {
      crossings,
      resets: evaluations.flatMap((evaluation) =>
        evaluation.resets.map((reset) => ({ evaluation, ...reset })),
      ),
      accessChanges: evaluations
        .filter(({ before, hasAccess }) => (before?.hasAccess ?? false) !== hasAccess || before === undefined)
        .map((evaluation) => ({
          evaluation,
          hasAccess: evaluation.hasAccess,
          cause: causeOf(evaluation, cause),
          at: now,
        })),
    };
    for (const record of recorders) await record(transaction, facts, now);
    const dueAt = evaluations.reduce((due, { validUntil }) => Math.min(due, validUntil), endOfTime);
    transaction.afterCommit(() => alarm?.set(dueAt));
    return evaluations;
  };

/** A period that ended explains a change better than whatever happened to look first. */
const causeOf = ({ resets }: Evaluation, cause: string): string => (resets.length > 0 ? 'reset' : cause);

/** Entitlements evaluated in one transaction after a meter has counted earlier events. */
const settledAtOnce = 50;

/** Evaluates the entitlements of a meter from the beginning: events of any time may have been counted for it. */
export const createSettleMeter =
  (settle: Settle, clock: Clock): SettleMeter =>
  async (transaction, meterId, afterId) => {
    const ids = await entitlementsOfMeter(transaction, meterId, afterId, settledAtOnce);
    const changes = ids.map((entitlementId) => ({ entitlementId, changedFrom: 0 }));
    await settle(transaction, changes, 'backfill', clock.now());
    return ids.at(-1);
  };

/** The parts of the flow that an ingest transaction runs through, in their order. */
export interface IngestStages {
  database: Database;
  meters: MeterRegistry;
  features: FeatureRegistry;
  rollups: RollupStore;
  settle: Settle;
  /** Says which usage period is the present one, as it does everywhere else; receipt is dated by the database. */
  clock: Clock;
  /** Rules weeks out in which an event surely is no duplicate. */
  filterOf: FilterOfWeek;
  /** How long a resend of an event is recognised, milliseconds since its receipt. */
  dedupWindowMs: number;
}

/** The definitions or the weeks changed between planning a batch and its transaction; the batch is prepared again. */
class PlanOutdatedError extends Error {}

/**
 * A batch that met this many changes of definitions or weeks in a row has met a fault. Whoever declares many meters at once
 * changes them as fast as batches are planned, so it is far above what happens by chance.
 */
const maximumAttempts = 200;

/**
 * Commits batches of events: stores them, finds the duplicates, adds the new ones to the rollups and to the running usage,
 * and settles every entitlement that reached a limit. Returns the positions of the duplicates after COMMIT.
 *
 * The statements of all stages are sent together. Those after the first add only when all events of the batch were new, as
 * they nearly always are; otherwise the new ones are counted once more and added.
 */
export const createIngestPipeline = (stages: IngestStages) => {
  const { database, meters, features, rollups } = stages;

  const commitOnce = async (events: UsageEvent[], plan: BatchPlan): Promise<ReadonlySet<number>> => {
    const { definitions } = plan;
    const meterMap = await meters(database, definitions);
    const featureMap = await features(database, definitions);
    const everything = countEvents(meterMap, events);
    const series = await rollups.resolve(everything);
    const allDeltas = usageDeltas(featureMap, everything);

    return database.transaction(async (transaction) => {
      const now = stages.clock.now();
      const [stored, , due] = await Promise.all([
        storeEvents(transaction, plan, events, stages.filterOf),
        rollups.add(transaction, everything, series, undefined),
        addUsage(transaction, allDeltas, definitions, now, false),
      ]);
      if (!stored) throw new PlanOutdatedError();
      let toEvaluate = due;
      if (stored.fresh) {
        const counted = countEvents(meterMap, events, stored.fresh);
        const deltas = usageDeltas(featureMap, counted);
        [, toEvaluate] = await Promise.all([
          rollups.add(transaction, counted, series, stored.firstSeq),
          addUsage(transaction, deltas, definitions, now),
        ]);
      }
      await stages.settle(transaction, toEvaluate, 'usage', now);
      return duplicatesOf(events.length, stored.fresh);
    });
  };

  let plan: BatchPlan | undefined;

  /** @throws StorageError storage_conflict when definitions changed at every attempt: nothing is stored then */
  return async (events: UsageEvent[]): Promise<ReadonlySet<number>> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        plan ??= await planBatches(database, stages.dedupWindowMs);
        return await commitOnce(events, plan);
      } catch (error) {
        if (error instanceof PlanOutdatedError) plan = undefined;
        else if (error instanceof WeekNotOpenError) await openWeek(database, error.week, error.receivedAt);
        else throw error;
        if (attempt >= maximumAttempts) {
          throw new StorageError('definitions change faster than batches', 'storage_conflict', true, error);
        }
      }
    }
  };
};

/** What became of the wish to take an event back. */
export type CancellationOutcome =
  /** At this time, epoch milliseconds, now or by an earlier request. */
  { canceledAt: number; event: StoredEvent } | 'unknown' | 'too_late' | 'events_lost';

/** For how long after an event can be taken back its request is told that it is late, rather than that there is none. */
const toldLateMs = 86_400_000;

/** The event that is to be taken back. */
export interface CancellationRequest {
  id: string;
  source: string;
  type: string;
  /** Epoch milliseconds: an event received before is not taken back any more. */
  receivedFrom: number;
}

/**
 * Takes one counted event back, once, in one transaction: out of every rollup that holds it, and with it out of usage and
 * balances; thresholds that lie behind now are armed again, access and whatever else follows is settled, and an invoice line
 * that is not fixed yet reads the smaller usage. The event stays known, so that a resend is a duplicate.
 */
export const createCancellation =
  ({ database, features, settle, clock }: Pick<IngestStages, 'database' | 'features' | 'settle' | 'clock'>) =>
  async (request: CancellationRequest): Promise<CancellationOutcome> => {
    try {
      return await database.transaction(async (transaction): Promise<CancellationOutcome> => {
        await shareDefinitions(transaction);
        const found = await findCancelableEvent(transaction, request, request.receivedFrom - toldLateMs);
        if (!found || found.event.type !== request.type) return 'unknown';
        const { event, canceledAt } = found;
        if (canceledAt !== null) return { canceledAt, event };
        if (event.receivedAt < request.receivedFrom) return 'too_late';
        const now = clock.now();
        await markEventCanceled(transaction, event, now);
        const counted = await takeBack(transaction, event);
        const definitions = await definitionsVersion(transaction);
        const deltas = usageDeltas(await features(transaction, definitions), counted);
        // Without an amount every entitlement concerned is evaluated from its rollups, whatever its limits are.
        const unknownAmounts = deltas.map((delta) => ({ ...delta, amount: null }));
        const toEvaluate = await addUsage(transaction, unknownAmounts, definitions, now);
        await settle(transaction, toEvaluate, cancellation, now);
        return { canceledAt: now, event };
      });
    } catch (error) {
      if (error instanceof EventsLostError) return 'events_lost';
      throw error;
    }
  };

const noDuplicates: ReadonlySet<number> = new Set();

const duplicatesOf = (count: number, fresh: ReadonlySet<number> | undefined): ReadonlySet<number> => {
  if (!fresh) return noDuplicates;
  const duplicates = new Set<number>();
  for (let position = 0; position < count; position += 1) if (!fresh.has(position)) duplicates.add(position);
  return duplicates;
};

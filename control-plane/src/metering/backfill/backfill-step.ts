import { eventsAfter, nextStoredWeek, weekProgress } from '../../events';
import { changeDefinitions, type Database, type Transaction } from '../../storage';
import { countEvents } from '../count-events';
import { compileMeter, findMeter, meterOf } from '../meter-store';
import type { RollupStore } from '../rollup-store';
import type { BackfillRow } from './backfill';
import {
  advanceBackfill,
  advanceSettling,
  beginSettling,
  endBackfill,
  leaseBackfill,
  takeOver,
} from './backfill-store';

/**
 * Evaluates some entitlements that count a meter, those after the given id in the order of ids, and returns the last, or
 * undefined when there are none left.
 */
export type SettleMeter = (
  transaction: Transaction,
  meterId: string,
  afterEntitlementId: string,
) => Promise<string | undefined>;

export interface BackfillOptions {
  database: Database;
  rollups: RollupStore;
  settleMeter: SettleMeter;
  /** Identifies this process among the replicas. */
  owner: string;
  /** Stored events looked at in one step at most. */
  pageSize?: number;
}

/** What a step did: it went on, it has nothing more to do, or another replica is at it. */
export type StepResult = 'advanced' | 'done' | 'taken';

const defaultPageSize = 2_000;

/**
 * Does one bounded step of a meter's backfill. Steps may end anywhere, crash, or run on several replicas: what a step
 * counts is stored in one transaction with the place that it reached, and only if the place was where it began.
 */
export const stepBackfill = async (options: BackfillOptions, meterId: string): Promise<StepResult> => {
  const row = await leaseBackfill(options.database, meterId, options.owner);
  if (!row) return 'taken';
  return row.state === 'counting' ? countPage(options, row) : settlePage(options, row);
};

const countPage = async (options: BackfillOptions, row: BackfillRow): Promise<StepResult> => {
  const { database, rollups } = options;
  const stored = await findMeter(database, row.meter_id);
  if (!stored) return 'done';
  const week = await nextStoredWeek(database, row.week);
  if (week === undefined) return finishCounting(options, row);
  const meter = { ...meterOf(stored), number: row.number, groupBy: row.group_by };
  const compiled = compileMeter(meter, row.counts_from_seq);
  const from = week === row.week ? row : { time: meter.eventFrom ?? Number.MIN_SAFE_INTEGER, seq: -1 };
  const page = await eventsAfter(database, week, from, options.pageSize ?? defaultPageSize, {
    type: meter.eventType,
    beforeSeq: row.counts_from_seq,
  });
  // The place after the last event of a week is the beginning of the next.
  const place = page.last
    ? { week, ...page.last }
    : { week: week + 1, time: Number.MIN_SAFE_INTEGER, seq: -1 };
  const counted = countEvents(
    new Map([[meter.eventType, [compiled]]]),
    page.events,
    undefined,
    page.events.map((event) => event.seq),
  );
  const resolved = await rollups.resolve(counted);
  const progress = await weekProgress(database, place.week, place.time);
  await database.transaction(async (transaction) => {
    if (!(await advanceBackfill(transaction, row, place, page.events.length, progress))) return;
    await rollups.add(transaction, counted, resolved, 0);
  });
  return 'advanced';
};

/** All events are counted. The rollups become the meter's own, while no event is being counted by the old definition. */
const finishCounting = async ({ database }: BackfillOptions, row: BackfillRow): Promise<StepResult> => {
  await database.transaction(async (transaction) => {
    await changeDefinitions(transaction);
    if (await beginSettling(transaction, row)) await takeOver(transaction, row);
  });
  return 'advanced';
};

const settlePage = async (
  { database, settleMeter }: BackfillOptions,
  row: BackfillRow,
): Promise<StepResult> =>
  database.transaction(async (transaction): Promise<StepResult> => {
    const last = await settleMeter(transaction, row.meter_id, row.settled_to);
    if (last !== undefined) {
      await advanceSettling(transaction, row, last);
      return 'advanced';
    }
    await endBackfill(transaction, row);
    return 'done';
  });

import { batchStride, weekMs } from '../events';
import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { conflict, notFound } from '../primitives/refusal';
import { changeDefinitions, type Database, type Transaction } from '../storage';
import type { CompiledMeter, Meter } from './meter';
import {
  assertMeterDraft,
  groupByErrors,
  type MeterChange,
  type MeterDraft,
  refuseFields,
} from './meter-definition';
import { beginPause, endPause } from './meter-pauses';
import {
  compileMeter,
  describeMeter,
  fillMeter,
  findMeter,
  hasLostEvents,
  insertMeter,
  listMeters,
  type MeterList,
  markMeterDeleted,
  meterOf,
  nextSeq,
  pauseMeter,
  regroupedMeter,
  regroupMeter,
} from './meter-store';

/** Asked before a meter changes under what later stages made of it; throws a Refusal to forbid it. */
export interface MeterGuard {
  beforeDelete(transaction: Transaction, meter: Meter): Promise<void>;
  /** @param dropped the group-by keys that the change takes away */
  beforeGroupByDrop(transaction: Transaction, meter: Meter, dropped: readonly string[]): Promise<void>;
}

export interface MeterCatalogOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  guard: MeterGuard;
  /** Called when events that are stored already must be counted. */
  onBackfill: () => void;
}

/** The meters there are, and every way to change them. */
export const createMeterCatalog = ({ database, clock, newId, guard, onBackfill }: MeterCatalogOptions) => {
  /** @throws Refusal `meter_not_found` */
  const get = async (idOrSlug: string): Promise<Meter> => {
    const row = await findMeter(database, idOrSlug);
    if (!row) throw notFound('meter', idOrSlug);
    return meterOf(row);
  };

  /**
   * A meter ready to be queried.
   * @param keys group-by keys that the query names. While a meter is being grouped anew it answers as before; questions
   *   about its new keys are answered from what is counted so far.
   * @throws Refusal `meter_not_found`
   */
  const compiled = async (idOrSlug: string, keys: readonly string[] = []): Promise<CompiledMeter> => {
    const meter = await get(idOrSlug);
    const regrouped = keys.every((key) => Object.hasOwn(meter.groupBy, key))
      ? undefined
      : regroupedMeter(meter);
    return regrouped ?? compileMeter(meter, 0);
  };

  const list = async (options: MeterList): Promise<Meter[]> =>
    (await listMeters(database, options)).map(meterOf);

  /**
   * Creates a meter.
   * @param given the draft, or what makes it once nobody else can change the definitions
   * @param beside what else is stored in the same transaction
   * @throws Refusal `meter_invalid`, `meter_exists`
   */
  const create = async (
    given: MeterDraft | ((transaction: Transaction) => Promise<MeterDraft>),
    beside?: (transaction: Transaction, meter: Meter) => Promise<void>,
  ): Promise<Meter> => {
    if (typeof given !== 'function') assertMeterDraft(given);
    return database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const draft = typeof given === 'function' ? await given(transaction) : given;
      const meter = await createWithin(transaction, draft);
      await beside?.(transaction, meter);
      return meter;
    });
  };

  /** The same in the caller's transaction. @throws Refusal `meter_invalid`, `meter_exists` */
  const createWithin = async (transaction: Transaction, draft: MeterDraft): Promise<Meter> => {
    assertMeterDraft(draft);
    await changeDefinitions(transaction);
    const existing = await findMeter(transaction, draft.slug);
    if (existing)
      throw conflict('meter_exists', `there is a meter "${draft.slug}" already; choose another slug`, {
        conflictingEntityId: existing.id,
      });
    const id = newId();
    await insertMeter(transaction, id, draft, await nextSeq(transaction, batchStride), clock.now());
    await fillMeter(transaction, id, clock.now());
    return committed(transaction, id);
  };

  /** The meter as the transaction leaves it, which wakes the backfill if there is something to count. */
  const committed = async (transaction: Transaction, id: string): Promise<Meter> => {
    const meter = meterOf((await findMeter(transaction, id))!);
    if (meter.pending) transaction.afterCommit(onBackfill);
    return meter;
  };

  /** @throws Refusal `meter_not_found`, `meter_invalid`, or what the guard refuses */
  const update = (idOrSlug: string, change: MeterChange): Promise<Meter> =>
    database.transaction((transaction) => updateWithin(transaction, idOrSlug, () => change));

  /** The same in the caller's transaction, by what the meter is. @throws Refusal as update */
  const updateWithin = async (
    transaction: Transaction,
    idOrSlug: string,
    changeOf: (meter: Meter) => MeterChange,
  ): Promise<Meter> => {
    await changeDefinitions(transaction);
    const row = await findMeter(transaction, idOrSlug);
    if (!row) throw notFound('meter', idOrSlug);
    const meter = meterOf(row);
    const change = changeOf(meter);
    refuseFields(groupByErrors(change.groupBy, meter.valueProperty));
    const dropped = Object.keys(meter.groupBy).filter((key) => !Object.hasOwn(change.groupBy, key));
    if (dropped.length > 0) await guard.beforeGroupByDrop(transaction, meter, dropped);
    await describeMeter(transaction, meter.id, change, clock.now());
    if (!isSameGroupBy(meter.pending?.groupBy ?? meter.groupBy, change.groupBy)) {
      if (await hasLostEvents(transaction, meter.number, weekMs))
        throw conflict(
          'meter_events_dropped',
          'the meter cannot be grouped in another way: retention has dropped events that it counts; create a new meter with the groupBy wanted',
        );
      const countsFromSeq = await nextSeq(transaction, batchStride);
      await regroupMeter(transaction, meter.id, change.groupBy, countsFromSeq, clock.now());
    }
    return committed(transaction, meter.id);
  };

  /** Changes whether a meter counts, from the next event on; nothing happens where that is so already. */
  const setCounting = (
    idOrSlug: string,
    counts: boolean,
    check?: (transaction: Transaction) => Promise<void>,
  ): Promise<Meter> =>
    database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const row = await findMeter(transaction, idOrSlug);
      if (!row) throw notFound('meter', idOrSlug);
      const meter = meterOf(row);
      if ((meter.deactivatedAt === null) === counts) return meter;
      await check?.(transaction);
      const seq = await nextSeq(transaction, batchStride);
      const pauses = counts ? endPause(meter.pauses, seq) : beginPause(meter.pauses, seq);
      await pauseMeter(transaction, meter.id, counts ? null : clock.now(), pauses, clock.now());
      return committed(transaction, meter.id);
    });

  /** Has a meter count no more until it is reactivated; what it has counted stays. @throws Refusal `meter_not_found`, `meter_pauses` */
  const deactivate = (idOrSlug: string): Promise<Meter> => setCounting(idOrSlug, false);

  /**
   * Has a deactivated meter count again, the events that come from now on.
   * @param check throws what forbids it
   * @throws Refusal `meter_not_found`
   */
  const reactivate = (
    idOrSlug: string,
    check?: (transaction: Transaction) => Promise<void>,
  ): Promise<Meter> => setCounting(idOrSlug, true, check);

  /** Ends a meter; its rollups stay, and its slug is free again. @throws Refusal `meter_not_found`, or what the guard refuses */
  const remove = (idOrSlug: string): Promise<void> =>
    database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const row = await findMeter(transaction, idOrSlug);
      if (!row) throw notFound('meter', idOrSlug);
      await guard.beforeDelete(transaction, meterOf(row));
      await markMeterDeleted(transaction, row.id, clock.now());
    });

  return { get, compiled, list, create, createWithin, update, updateWithin, deactivate, reactivate, remove };
};

export type MeterCatalog = ReturnType<typeof createMeterCatalog>;

const isSameGroupBy = (left: Record<string, string>, right: Record<string, string>): boolean =>
  Object.keys(left).length === Object.keys(right).length &&
  Object.entries(left).every(([key, path]) => right[key] === path);

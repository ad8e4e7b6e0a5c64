import { batchStride } from '../events';
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
import {
  compileMeter,
  findMeter,
  insertMeter,
  listMeters,
  type MeterList,
  markMeterDeleted,
  meterOf,
  reviseMeter,
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
}

/** The meters there are, and every way to change them. */
export const createMeterCatalog = ({ database, clock, newId, guard }: MeterCatalogOptions) => {
  /** @throws Refusal `meter_not_found` */
  const get = async (idOrSlug: string): Promise<Meter> => {
    const row = await findMeter(database, idOrSlug);
    if (!row) throw notFound('meter', idOrSlug);
    return meterOf(row);
  };

  /** A meter ready to be queried. @throws Refusal `meter_not_found` */
  const compiled = async (idOrSlug: string): Promise<CompiledMeter> => {
    const row = await findMeter(database, idOrSlug);
    if (!row) throw notFound('meter', idOrSlug);
    return compileMeter(meterOf(row), row.counts_from_seq);
  };

  const list = async (options: MeterList): Promise<Meter[]> =>
    (await listMeters(database, options)).map(meterOf);

  /** @throws Refusal `meter_invalid`, `meter_exists` */
  const create = (draft: MeterDraft): Promise<Meter> => {
    assertMeterDraft(draft);
    return database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const existing = await findMeter(transaction, draft.slug);
      if (existing)
        throw conflict('meter_exists', `there is a meter "${draft.slug}" already; choose another slug`, {
          conflictingEntityId: existing.id,
        });
      const row = await insertMeter(transaction, newId(), draft, batchStride, clock.now());
      return meterOf(row);
    });
  };

  /** @throws Refusal `meter_not_found`, `meter_invalid`, or what the guard refuses */
  const update = (idOrSlug: string, change: MeterChange): Promise<Meter> =>
    database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const row = await findMeter(transaction, idOrSlug);
      if (!row) throw notFound('meter', idOrSlug);
      const meter = meterOf(row);
      refuseFields(groupByErrors(change.groupBy, meter.valueProperty));
      const dropped = Object.keys(meter.groupBy).filter((key) => !Object.hasOwn(change.groupBy, key));
      if (dropped.length > 0) await guard.beforeGroupByDrop(transaction, meter, dropped);
      const isRegrouped = !isSameGroupBy(meter.groupBy, change.groupBy);
      return meterOf(await reviseMeter(transaction, meter.id, change, isRegrouped, batchStride, clock.now()));
    });

  /** Ends a meter; its rollups stay, and its slug is free again. @throws Refusal `meter_not_found`, or what the guard refuses */
  const remove = (idOrSlug: string): Promise<void> =>
    database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const row = await findMeter(transaction, idOrSlug);
      if (!row) throw notFound('meter', idOrSlug);
      await guard.beforeDelete(transaction, meterOf(row));
      await markMeterDeleted(transaction, row.id, clock.now());
    });

  return { get, compiled, list, create, update, remove };
};

export type MeterCatalog = ReturnType<typeof createMeterCatalog>;

const isSameGroupBy = (left: Record<string, string>, right: Record<string, string>): boolean =>
  Object.keys(left).length === Object.keys(right).length &&
  Object.entries(left).every(([key, path]) => right[key] === path);

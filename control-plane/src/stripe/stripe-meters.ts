import type { MeterCatalog } from '../metering';
import { conflict, notFound } from '../primitives/refusal';
import type { Database, Transaction } from '../storage';
import type { MeterDirectory } from './meter-directory';
import { aggregationOf, type Formula, pathOfKey, type StripeMeter, slugOf } from './stripe-meter';
import {
  activeMeterOfName,
  findStripeMeter,
  insertStripeMeter,
  type ListPage,
  listStripeMeters,
  takenSlugs,
} from './stripe-meter-store';

export interface NewStripeMeter {
  displayName: string;
  eventName: string;
  formula: Formula;
  customerKey: string;
  valueKey: string;
  eventTimeWindow: 'hour' | 'day' | null;
}

export interface StripeMetersOptions {
  database: Database;
  catalog: MeterCatalog;
  directory: Pick<MeterDirectory, 'forget'>;
}

/** The meters as Stripe's API makes and changes them. */
export const createStripeMeters = ({ database, catalog, directory }: StripeMetersOptions) => {
  /** @throws Refusal `meter_not_found` */
  const get = async (id: string): Promise<StripeMeter> => {
    const found = await findStripeMeter(database, id);
    if (!found) throw notFound('meter', id);
    return found;
  };

  const assertNameIsFree = async (
    transaction: Transaction,
    eventName: string,
    id?: string,
  ): Promise<void> => {
    const existing = await activeMeterOfName(transaction, eventName);
    if (existing !== undefined && existing !== id)
      throw conflict('meter_exists', `There is an active meter with the event name "${eventName}" already.`, {
        conflictingEntityId: existing,
      });
  };

  const freeSlug = async (transaction: Transaction, eventName: string): Promise<string> => {
    const base = slugOf(eventName);
    for (let first = 1; ; first += 100) {
      const candidates = Array.from({ length: 100 }, (_, index) =>
        first + index === 1 ? base : `${base}_${first + index}`,
      );
      const taken = await takenSlugs(transaction, candidates);
      const free = candidates.find((candidate) => !taken.has(candidate));
      if (free !== undefined) return free;
    }
  };

  return {
    get,

    find: (id: string): Promise<StripeMeter | undefined> => findStripeMeter(database, id),

    /** @throws Refusal `meter_exists` when an active meter of Stripe's API has the event name */
    create: async (given: NewStripeMeter): Promise<StripeMeter> => {
      const isCount = given.formula === 'count';
      const meter = await catalog.create(
        async (transaction) => {
          await assertNameIsFree(transaction, given.eventName);
          return {
            slug: await freeSlug(transaction, given.eventName),
            name: given.displayName,
            description: null,
            aggregation: aggregationOf(given.formula),
            eventType: given.eventName,
            eventFrom: null,
            valueProperty: isCount ? null : pathOfKey(given.valueKey),
            groupBy: {},
            metadata: {},
          };
        },
        (transaction, created) => insertStripeMeter(transaction, created.id, given),
      );
      directory.forget();
      return get(meter.id);
    },

    /** The display name is all that changes. */
    rename: async (id: string, displayName: string | undefined): Promise<StripeMeter> => {
      const { meter } = await get(id);
      if (displayName !== undefined)
        await catalog.update(id, {
          name: displayName,
          description: meter.description,
          groupBy: meter.pending?.groupBy ?? meter.groupBy,
          metadata: meter.metadata,
        });
      return get(id);
    },

    deactivate: async (id: string): Promise<StripeMeter> => {
      await get(id);
      await catalog.deactivate(id);
      directory.forget();
      return get(id);
    },

    /** @throws Refusal `meter_exists` when another active meter has the event name by now */
    reactivate: async (id: string): Promise<StripeMeter> => {
      const { meter, isStripes } = await get(id);
      await catalog.reactivate(id, (transaction) =>
        isStripes ? assertNameIsFree(transaction, meter.eventType, id) : Promise.resolve(),
      );
      directory.forget();
      return get(id);
    },

    list: (status: 'active' | 'inactive' | undefined, page: ListPage): Promise<StripeMeter[]> =>
      listStripeMeters(database, status, page),
  };
};

export type StripeMeters = ReturnType<typeof createStripeMeters>;

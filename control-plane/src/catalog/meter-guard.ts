import type { MeterGuard } from '../metering';
import { conflict } from '../primitives/refusal';
import type { Queryable } from '../storage';
import { activeFeaturesOf } from './feature-store';

const refuse = async (
  queryable: Queryable,
  meterId: string,
  isConcerned: (filters: Readonly<Record<string, unknown>>) => boolean,
  why: (key: string) => string,
): Promise<void> => {
  const feature = (await activeFeaturesOf(queryable, meterId)).find(({ filters }) => isConcerned(filters));
  if (feature) throw conflict('meter_in_use', why(feature.key), { conflictingEntityId: feature.id });
};

/** Keeps meters as active features need them. */
export const featureMeterGuard: MeterGuard = {
  beforeDelete: (transaction, meter) =>
    refuse(
      transaction,
      meter.id,
      () => true,
      (key) => `the feature "${key}" counts the meter "${meter.slug}"; archive the feature first`,
    ),
  beforeGroupByDrop: (transaction, meter, dropped) =>
    refuse(
      transaction,
      meter.id,
      (filters) => dropped.some((key) => Object.hasOwn(filters, key)),
      (key) =>
        `the feature "${key}" filters the meter "${meter.slug}" by a group-by key that the change drops; keep the key or archive the feature first`,
    ),
};

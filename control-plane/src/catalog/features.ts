import type { GroupFilter, Meter } from '../metering';
import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { conflict, invalid, notFound } from '../primitives/refusal';
import { changeDefinitions, type Database } from '../storage';
import type { Feature } from './feature';
import {
  findFeature,
  insertFeature,
  markFeatureArchived,
  metersOfFeatures,
  setUnitCost,
} from './feature-store';

/** What a caller decides about a feature; it cannot be changed afterwards, only archived. */
export interface FeatureDetails {
  key: string;
  name: string;
  description?: string | undefined;
  meterSlug?: string | undefined;
  /** The same by id; one of both at most. */
  meterId?: string | undefined;
  filters: GroupFilter;
  unitCost: Record<string, unknown> | null;
  metadata: Record<string, string>;
}

/** Entitlements burn usage down, which means something for these only. */
const burnable = new Set(['SUM', 'COUNT', 'UNIQUE_COUNT', 'LATEST']);
const identifierForm = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;

export interface FeaturesOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
}

/** Creates and archives features. */
export const createFeatures = ({ database, clock, newId }: FeaturesOptions) => ({
  /** @throws Refusal `invalid_feature`, `feature_key_taken` */
  create: async (details: FeatureDetails): Promise<Feature> => {
    if (identifierForm.test(details.key)) {
      throw invalid('invalid_feature', 'a key must not have the form of an id (26 characters of a ULID)', [
        { code: 'pattern', field: '$.key', message: 'must not have the form of an id' },
      ]);
    }
    return database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const meter = await meterOfDetails(transaction, details);
      checkFilters(meter, details.filters);
      const now = clock.now();
      const feature: Feature = {
        id: newId(),
        key: details.key,
        name: details.name,
        description: details.description ?? null,
        meterId: meter?.id ?? null,
        filters: details.filters,
        unitCost: details.unitCost,
        metadata: details.metadata,
        createdAt: now,
        updatedAt: now,
        archivedAt: null,
      };
      if (!(await insertFeature(transaction, feature))) {
        const existing = await findFeature(transaction, details.key);
        throw conflict(
          'feature_key_taken',
          `there is a feature "${details.key}" already; archive it first or choose another key`,
          existing ? { conflictingEntityId: existing.id } : {},
        );
      }
      return feature;
    });
  },

  /**
   * Archives a feature: no new entitlement can be made for it, those there are go on. Its key is free for a new feature.
   * @throws Refusal `feature_not_found`
   */
  archive: async (idOrKey: string): Promise<void> => {
    await database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const feature = await findFeature(transaction, idOrKey);
      if (!feature) throw notFound('feature', idOrKey);
      await markFeatureArchived(transaction, feature.id, clock.now());
    });
  },

  /** Changes what a unit costs the seller, the one thing that may change. @throws Refusal `feature_not_found` */
  price: (idOrKey: string, unitCost: Record<string, unknown> | null): Promise<Feature> =>
    database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const feature = await findFeature(transaction, idOrKey);
      if (!feature) throw notFound('feature', idOrKey);
      const now = clock.now();
      await setUnitCost(transaction, feature.id, unitCost, now);
      return { ...feature, unitCost, updatedAt: now };
    }),

  /** @throws Refusal `feature_not_found` */
  get: async (idOrKey: string): Promise<Feature> => {
    const feature = await findFeature(database, idOrKey);
    if (!feature) throw notFound('feature', idOrKey);
    return feature;
  },
});

export type Features = ReturnType<typeof createFeatures>;

const meterOfDetails = async (
  queryable: Parameters<typeof metersOfFeatures>[0],
  { meterSlug, meterId }: FeatureDetails,
): Promise<Meter | undefined> => {
  if (meterSlug === undefined && meterId === undefined) return undefined;
  const field = meterSlug === undefined ? '$.meter.id' : '$.meterSlug';
  const found = await metersOfFeatures(queryable, {
    slugs: meterSlug === undefined ? [] : [meterSlug],
    ids: meterId === undefined ? [] : [meterId],
  });
  const meter = found.find(({ deletedAt }) => deletedAt === null);
  if (!meter) {
    const message = `there is no meter "${meterSlug ?? meterId}"; create it first`;
    throw invalid('invalid_feature', message, [{ code: 'meter_not_found', field, message }]);
  }
  if (!burnable.has(meter.aggregation)) {
    const message = `a feature counts meters of SUM, COUNT, UNIQUE_COUNT or LATEST, and "${meter.slug}" is ${meter.aggregation}`;
    throw invalid('invalid_feature', message, [{ code: 'invalid_aggregation', field, message }]);
  }
  return meter;
};

const checkFilters = (meter: Meter | undefined, filters: GroupFilter): void => {
  const keys = Object.keys(filters);
  if (keys.length === 0) return;
  const field = '$.advancedMeterGroupByFilters';
  if (!meter) {
    const message = 'filters need a meter: give meterSlug as well';
    throw invalid('invalid_feature', message, [{ code: 'filter_without_meter', field, message }]);
  }
  const unknown = keys.find((key) => !Object.hasOwn(meter.groupBy, key));
  if (unknown === undefined) return;
  const known = Object.keys(meter.groupBy).join(', ') || 'none';
  const message = `the meter "${meter.slug}" has no group-by key "${unknown}"; it has: ${known}`;
  throw invalid('invalid_feature', message, [
    { code: 'unknown_group_by', field: `${field}.${unknown}`, message },
  ]);
};

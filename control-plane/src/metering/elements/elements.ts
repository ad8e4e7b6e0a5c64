import type { Clock } from '../../primitives/clock';
import { invalid, Refusal } from '../../primitives/refusal';
import { changeDefinitions, type Database, type Transaction } from '../../storage';
import type { Meter } from '../meter';
import type { MeterCatalog } from '../meter-catalog';
import { groupKeysOf, payloadPath, slugsOf } from './element-names';
import { insertDimension, insertElement, type KnownKeys, readKnownKeys } from './element-store';

/** The type of the events whose payload keys become meters. */
export const elementEventType = 'revenium.event';

/** Dimensions that every element's meter has; they are no keys of the payload. */
const ownDimensions = { source_id: '$.sourceId', source_type: '$.sourceType' };
const reservedGroupKeys = new Set(['subject', 'customer_id', ...Object.keys(ownDimensions)]);

export interface ElementsOptions {
  database: Database;
  clock: Clock;
  meters: MeterCatalog;
  /** Keys that make meters by themselves at most. */
  elementLimit: number;
  /** Keys that make dimensions by themselves at most: each combination of their values is a line of rollups. */
  dimensionLimit: number;
}

/** Makes a meter of every numeric key that usage brings, and a dimension of every text key, on first sight. */
export const createElements = (options: ElementsOptions) => {
  const { database, clock, meters, elementLimit, dimensionLimit } = options;
  let known: KnownKeys = { elements: new Map(), dimensions: new Map() };

  const isKnown = (numeric: readonly string[], text: readonly string[]): boolean =>
    numeric.every((key) => known.elements.has(key)) &&
    (known.dimensions.size >= dimensionLimit || text.every((key) => known.dimensions.has(key)));

  const newDimensions = async (
    transaction: Transaction,
    found: KnownKeys,
    text: readonly string[],
  ): Promise<boolean> => {
    const taken = new Set([...reservedGroupKeys, ...found.dimensions.values()]);
    let isAny = false;
    for (const key of text) {
      if (found.dimensions.has(key) || found.dimensions.size >= dimensionLimit) continue;
      const groupKey = groupKeysOf(key).find((candidate) => !taken.has(candidate));
      if (groupKey === undefined) continue;
      await insertDimension(transaction, key, groupKey, clock.now());
      found.dimensions.set(key, groupKey);
      taken.add(groupKey);
      isAny = true;
    }
    return isAny;
  };

  const newElement = async (
    transaction: Transaction,
    key: string,
    groupBy: Record<string, string>,
  ): Promise<Meter> => {
    for (const slug of slugsOf(key)) {
      try {
        return await meters.createWithin(transaction, {
          slug,
          name: key,
          description: 'Made by the first event that had this key.',
          aggregation: 'SUM',
          eventType: elementEventType,
          eventFrom: null,
          valueProperty: payloadPath(key),
          groupBy,
          metadata: { revenium_element: key },
        });
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'meter_exists') throw error;
      }
    }
    throw invalid('element_refused', `there are meters by every name that the key "${key}" could have`, [
      { code: 'meter_exists', field: '$.payload', message: `rename the key "${key}" or the meters` },
    ]);
  };

  /** Adds the dimensions to a meter made earlier, unless it was deleted or changed so that it cannot take them. */
  const addDimensions = async (
    transaction: Transaction,
    meterId: string,
    groupBy: Record<string, string>,
  ): Promise<void> => {
    try {
      await meters.updateWithin(transaction, meterId, ({ name, description, metadata, ...meter }) => ({
        name,
        description,
        metadata,
        groupBy: { ...groupBy, ...(meter.pending?.groupBy ?? meter.groupBy) },
      }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  };

  /** All in one transaction under the lock on definitions: several replicas that see a key first make one meter. */
  const make = (numeric: readonly string[], text: readonly string[]): Promise<KnownKeys> =>
    database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const found = await readKnownKeys(transaction);
      const missing = numeric.filter((key) => !found.elements.has(key));
      if (found.elements.size + missing.length > elementLimit) {
        const message = `at most ${elementLimit} keys become metering elements by themselves; create a meter of events of the type ${elementEventType} for "${missing[0]}" and raise TOLLGATE_REVENIUM_ELEMENTS, or leave the key out`;
        throw invalid('too_many_elements', message, [
          { code: 'too_many_elements', field: `$.payload.${missing[0]}`, message },
        ]);
      }
      const isWider = await newDimensions(transaction, found, text);
      const groupBy = {
        ...ownDimensions,
        ...Object.fromEntries([...found.dimensions].map(([key, groupKey]) => [groupKey, payloadPath(key)])),
      };
      if (isWider) {
        for (const meterId of found.elements.values()) await addDimensions(transaction, meterId, groupBy);
      }
      for (const key of missing) {
        const meter = await newElement(transaction, key, groupBy);
        await insertElement(transaction, key, meter.id, clock.now());
        found.elements.set(key, meter.id);
      }
      return found;
    });

  return {
    /**
     * Makes the meters and dimensions that are missing. Called before the event is stored; a meter made later would count
     * the event as well, since it counts those stored before it.
     * @throws Refusal `too_many_elements`
     */
    ensure: async (numeric: readonly string[], text: readonly string[]): Promise<void> => {
      if (isKnown(numeric, text)) return;
      known = await readKnownKeys(database);
      if (isKnown(numeric, text)) return;
      known = await make(numeric, text);
    },
  };
};

export type Elements = ReturnType<typeof createElements>;

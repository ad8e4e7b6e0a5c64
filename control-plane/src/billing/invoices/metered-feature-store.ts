import { type Feature, featureOf, metersOfFeatures } from '../../catalog';
import { compileMeter, readUsage, subjectsOfCustomers, type UsageRequest } from '../../metering';
import { type Quantity, ZERO } from '../../primitives/decimal';
import type { Queryable } from '../../storage';
import type { InvoiceLine } from './invoice';

/** What the customer of an invoice used of a feature in a period. */
export interface Measured {
  line: Pick<InvoiceLine, 'featureId' | 'period'>;
  customerId: string;
}

/**
 * Meters lines: what the customer's subjects used within each line's period, to the millisecond; zero where nothing was,
 * undefined where it cannot be known any more (the customer is deleted, its subjects are free). Many lines take a few
 * statements.
 */
export const measureLines = async (
  queryable: Queryable,
  lines: readonly Measured[],
): Promise<(Quantity | undefined)[]> => {
  const features = await featuresById(queryable, [
    ...new Set(lines.flatMap(({ line }) => line.featureId ?? [])),
  ]);
  const meterIds = [...new Set([...features.values()].flatMap(({ meterId }) => meterId ?? []))];
  const meters = new Map(
    (meterIds.length === 0 ? [] : await metersOfFeatures(queryable, { ids: meterIds })).map((meter) => [
      meter.id,
      compileMeter(meter, 0),
    ]),
  );
  const subjects = new Map<string, string[]>();
  const customerIds = [...new Set(lines.map(({ customerId }) => customerId))];
  for (const [subject, customerId] of await subjectsOfCustomers(queryable, customerIds)) {
    subjects.set(customerId, [...(subjects.get(customerId) ?? []), subject]);
  }
  const requests: UsageRequest[] = [];
  const positions: (number | undefined)[] = lines.map(({ line, customerId }) => {
    const feature = features.get(line.featureId ?? '');
    const compiled = meters.get(feature?.meterId ?? '');
    const of = subjects.get(customerId);
    if (!feature || !compiled || !of) return undefined;
    return requests.push({ compiled, subjects: of, filters: feature.filters, ...line.period }) - 1;
  });
  const usage = await readUsage(queryable, requests);
  return positions.map((position) => (position === undefined ? undefined : (usage[position] ?? ZERO)));
};

const featuresById = async (queryable: Queryable, ids: readonly string[]): Promise<Map<string, Feature>> => {
  if (ids.length === 0) return new Map();
  const { rows } = await queryable.query<Parameters<typeof featureOf>[0]>(
    'SELECT * FROM feature WHERE id = ANY ($1::text[])',
    [queryable.arrays.text(ids)],
  );
  return new Map(rows.map((row) => [row.id, featureOf(row)]));
};

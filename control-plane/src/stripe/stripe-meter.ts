import type { Aggregation, Meter } from '../metering';

/** A meter as Stripe's API sees it. */
export interface StripeMeter {
  meter: Meter;
  countsFromSeq: number;
  formula: Formula;
  /** Whether it was made through Stripe's API. */
  isStripes: boolean;
  /** The keys of an event's payload that name the customer and the amount. */
  customerKey: string;
  valueKey: string;
  eventTimeWindow: 'hour' | 'day' | null;
}

export const formulas = ['sum', 'count', 'last'] as const;
export type Formula = (typeof formulas)[number];

const aggregationOfFormula = { sum: 'SUM', count: 'COUNT', last: 'LATEST' } as const;

export const aggregationOf = (formula: Formula): Aggregation => aggregationOfFormula[formula];

/** Undefined for aggregations that Stripe does not know. */
export const formulaOf = (aggregation: Aggregation): Formula | undefined =>
  formulas.find((formula) => aggregationOfFormula[formula] === aggregation);

/** The JSONPath of a payload key. */
export const pathOfKey = (key: string): string =>
  /^[A-Za-z_][\w-]*$/.test(key) ? `$.${key}` : `$[${JSON.stringify(key)}]`;

/** The slug that an event name suggests; empty names and names of symbols alone become "meter". */
export const slugOf = (eventName: string): string =>
  eventName
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, 56)
    .replace(/_+$/, '') || 'meter';

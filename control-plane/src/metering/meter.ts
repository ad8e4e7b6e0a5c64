import type { PendingDefinition } from './backfill/backfill';
import type { PathReader } from './json-path';

export type Aggregation = 'SUM' | 'COUNT' | 'AVG' | 'MIN' | 'MAX' | 'UNIQUE_COUNT' | 'LATEST';

/** Events with from <= sequence number < to were stored while a meter did not count; null while that lasts. */
export type MeterPause = readonly [from: number, to: number | null];

/** What is measured: which events count, what they count for, and by which of their properties the result can be split. */
export interface Meter {
  id: string;
  /** The narrow key under which the rollups know the meter. */
  number: number;
  slug: string;
  name: string | null;
  description: string | null;
  aggregation: Aggregation;
  eventType: string;
  /** Events before this time (epoch milliseconds) do not count. */
  eventFrom: number | null;
  /** JSONPath; null for COUNT alone. */
  valueProperty: string | null;
  /** Group-by key to JSONPath. */
  groupBy: Record<string, string>;
  metadata: Record<string, string>;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
  /** Since when it does not count; null while it does. */
  deactivatedAt: number | null;
  /** Oldest first. */
  pauses: readonly MeterPause[];
  /** Set while events that were stored before the meter, or before its present grouping, are being counted. */
  pending: PendingDefinition | undefined;
}

/** A meter made ready for counting. */
export interface CompiledMeter {
  meter: Meter;
  /** The group-by keys in their order, and a reader for each. */
  groupKeys: string[];
  groupReaders: PathReader[];
  valueReader: PathReader | undefined;
  /** Tells this meter's series from those of every other meter, and of itself with other group-by keys. */
  keyPrefix: string;
  /** Events with a smaller sequence number are the backfill's. */
  countsFromSeq: number;
}

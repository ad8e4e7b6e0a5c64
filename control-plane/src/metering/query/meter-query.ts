import type { WindowSize } from '../../primitives/periods';
import type { GroupFilter } from '../group-filter';

/** A question to one meter; times are epoch milliseconds. */
export interface MeterQuery {
  /** Inclusive; the beginning of time where undefined. */
  from: number | undefined;
  /** Exclusive; the end of time where undefined. */
  to: number | undefined;
  /** One value for the whole span where undefined. */
  windowSize: WindowSize | undefined;
  /** IANA name of the zone to whose wall clock windows are aligned. */
  timeZone: string;
  /** Only these event subjects; all where undefined. */
  subjects: readonly string[] | undefined;
  filters: GroupFilter;
  /** What to split the result by, in this order: `subject`, `customer_id` and the meter's own keys. */
  groupBy: readonly string[];
  /** Customer id by event subject; must be given to group by `customer_id`. */
  customers: ReadonlyMap<string, string> | undefined;
}

/** One value of the answer; only windows with events have one. */
export interface MeterQueryRow {
  /** Decimal text. */
  value: string;
  /** Epoch milliseconds; the window is whole even where `from` or `to` cut it. */
  windowStart: number;
  windowEnd: number;
  /** Null unless grouped by subject. */
  subject: string | null;
  /** Undefined unless grouped by customer and the subject has one. */
  customerId: string | undefined;
  groups: Record<string, string>;
}

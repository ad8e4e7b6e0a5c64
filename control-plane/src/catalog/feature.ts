import type { GroupFilter } from '../metering';

/** Something customers are entitled to; a metered one counts the events of a meter that pass its filters. */
export interface Feature {
  id: string;
  key: string;
  name: string;
  description: string | null;
  meterId: string | null;
  /** Conditions on the meter's group-by values; empty when every event counts. */
  filters: GroupFilter;
  /** What a unit costs the seller, as given; null when unknown. */
  unitCost: Record<string, unknown> | null;
  metadata: Record<string, string>;
  createdAt: number;
  updatedAt: number;
  archivedAt: number | null;
}

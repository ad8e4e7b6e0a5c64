import { customersById } from '../customers';
import { type AccessAdministration, type AccessLogEntry, outCausesOf } from '../enforcement';
import type { Clock } from '../primitives/clock';
import type { Database } from '../storage';
import { type Crossing, crossingsAt, listCrossings } from '../thresholds';
import { type Activity, activityOfCrossing, activityOfEntry } from './activity';
import { createActivityPoller } from './activity-poller';

/** New things in one look at most; whoever misses some finds them in the list. */
const maximumNew = 200;
/** Rows are read on while a page is short because limits were told by their cut-offs; so often at most. */
const maximumReads = 3;

export interface ActivityFilter {
  /** Id or key. */
  customer?: string | undefined;
  featureKey?: string | undefined;
}

export interface ActivityFeedOptions {
  database: Database;
  clock: Clock;
  access: Pick<AccessAdministration, 'readLog' | 'customerIdOf'>;
  onError: (error: unknown) => void;
}

type Row = AccessLogEntry | Crossing;

const isEntry = (row: Row): row is AccessLogEntry => 'outcome' in row;

/** What happened, from the log of access and the record of crossings: in pages, and as it happens. */
export const createActivityFeed = ({ database, clock, access, onError }: ActivityFeedOptions) => {
  /** From the newest back. */
  const readRows = async (
    { customer, featureKey }: ActivityFilter,
    range: { before?: string | undefined; after?: string | undefined },
    limit: number,
  ): Promise<Row[]> => {
    const customerId = customer === undefined ? undefined : await access.customerIdOf(customer);
    const entries = await access.readLog({ customer, featureKey, after: range.after }, range.before, limit);
    const crossings = await listCrossings(database, { customerId, featureKey, ...range }, limit);
    return [...entries, ...crossings].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);
  };

  /** A limit whose cut-off is in the log is left out: the cut-off tells both. */
  const describe = async (rows: readonly Row[]): Promise<Activity[]> => {
    const entries = rows.filter(isEntry);
    const limits = rows.filter((row): row is Crossing => !isEntry(row) && row.isLimit);
    const customers = await customersById(database, [
      ...new Set(entries.map(({ customerId }) => customerId)),
    ]);
    const causes = await crossingsAt(
      database,
      entries.filter((entry) => entry.access === 'out').map(({ causedAt }) => causedAt),
    );
    const told = await outCausesOf(
      database,
      limits.map(({ crossedAt, ...crossing }) => ({ ...crossing, causedAt: crossedAt })),
      limits.at(-1)?.id ?? '',
    );
    return rows.flatMap((row) => {
      if (isEntry(row)) {
        const crossing = causes.find((candidate) => candidate.isLimit && isCauseOf(candidate, row));
        return [activityOfEntry(row, customers.get(row.customerId)?.name, crossing)];
      }
      const activity = activityOfCrossing(row);
      return row.isLimit && told.has(activity.group) ? [] : [activity];
    });
  };

  const poller = createActivityPoller({
    now: () => clock.now(),
    read: async (after) => describe(await readRows({}, { after }, maximumNew)),
    onError,
  });

  return {
    /** The newest first, before the id `before`; `next` is where the following page begins. */
    page: async (
      filter: ActivityFilter,
      before: string | undefined,
      limit: number,
    ): Promise<{ items: Activity[]; next: string | null }> => {
      const items: Activity[] = [];
      let from = before;
      for (let reads = 0; reads < maximumReads && items.length < limit; reads += 1) {
        const wanted = limit - items.length;
        const rows = await readRows(filter, { before: from }, wanted);
        items.push(...(await describe(rows)));
        if (rows.length < wanted) return { items, next: null };
        from = rows.at(-1)!.id;
      }
      return { items, next: from ?? null };
    },
    get size(): number {
      return poller.size;
    },
    listen: poller.listen,
    stop: poller.stop,
  };
};

export type ActivityFeed = ReturnType<typeof createActivityFeed>;

const isCauseOf = (crossing: Crossing, entry: AccessLogEntry): boolean =>
  crossing.crossedAt === entry.causedAt &&
  crossing.customerId === entry.customerId &&
  crossing.featureKey === entry.featureKey;

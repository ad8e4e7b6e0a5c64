/** How far the counting of earlier events has come, for people. */
export interface BackfillProgress {
  state: 'counting' | 'settling';
  /** 0 to 1, by the time of events within the storage weeks. */
  progress: number;
  /** Events counted so far. */
  events: number;
}

/** The meter as it will count when a backfill is done. */
export interface PendingDefinition extends BackfillProgress {
  number: number;
  groupBy: Record<string, string>;
  countsFromSeq: number;
}

/** A row of the table `meter_backfill`. */
export interface BackfillRow {
  meter_id: string;
  number: number;
  group_by: Record<string, string>;
  counts_from_seq: number;
  state: 'counting' | 'settling';
  week: number;
  time: number;
  seq: number;
  settled_to: string;
  progress: number;
  events: number;
  /** Of events taken back while they might be about to be counted. */
  cancellations: number;
}

export const pendingOf = (row: BackfillRow): PendingDefinition => ({
  state: row.state,
  progress: row.progress,
  events: row.events,
  number: row.number,
  groupBy: row.group_by,
  countsFromSeq: row.counts_from_seq,
});

import type { PlacedEvent } from '../../events';
import type { Transaction } from '../../storage';
import type { BackfillRow } from '../backfill/backfill';
import type { CompiledMeter } from '../meter';
import { isPausedFor } from '../meter-pauses';
import { compileMeter, type MeterRow, meterOf, regroupedMeter } from '../meter-store';
import { holdBackfills, metersOfType } from './take-back-store';

/** Whether the rollups of a meter hold an event of its type. */
export type HasCounted = (compiled: CompiledMeter, event: PlacedEvent) => boolean;

/**
 * The meters whose rollups hold an event. Backfills that may have read it without having stored what they counted begin
 * their page anew.
 */
export const metersThatCounted = async (
  transaction: Transaction,
  event: PlacedEvent,
): Promise<{ compiled: CompiledMeter[]; hasCounted: HasCounted }> => {
  const rows = await metersOfType(transaction, event.type);
  const backfills = await holdBackfills(
    transaction,
    rows.map(({ id }) => id),
  );
  const hasCounted: HasCounted = (compiled, of) => {
    const row = rows.find(({ id }) => compiled.meter.id === id || compiled.meter.id === `${id}#regrouped`)!;
    return counts(compiled, row, backfills.get(row.id), of);
  };
  const compiled = rows
    .flatMap((row) => {
      const meter = meterOf({ ...row, backfill: backfills.get(row.id) ?? null });
      return [compileMeter(meter, row.counts_from_seq), regroupedMeter(meter) ?? []].flat();
    })
    .filter((one) => hasCounted(one, event));
  return { compiled, hasCounted };
};

const counts = (
  { meter, countsFromSeq }: CompiledMeter,
  row: MeterRow,
  backfill: BackfillRow | undefined,
  event: PlacedEvent,
): boolean => {
  if (isPausedFor(meter, event.seq)) return false;
  if (event.seq >= countsFromSeq) return true;
  // Rollups that a backfill given up halfway left incomplete are being replaced; nobody knows what they hold.
  if (backfill?.number !== meter.number) return row.backfilled_to_seq >= row.counts_from_seq;
  return backfill.state === 'settling' || !isAfter(event, backfill);
};

/** Whether an event lies behind the place that a backfill has reached, in the order of (week, time, seq). */
const isAfter = (event: PlacedEvent, place: BackfillRow): boolean => {
  if (event.week !== place.week) return event.week > place.week;
  if (event.time !== place.time) return event.time > place.time;
  return event.seq > place.seq;
};

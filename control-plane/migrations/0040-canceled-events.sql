-- Events that are taken back after they were counted, and meters that stop counting for a while.
-- Locks: ACCESS EXCLUSIVE on each weekly table of events, on meter and on meter_backfill for an instant (columns without a
-- default, or with a constant one: no rewrite). Order of deployment: before the code.

-- When an event was taken back, epoch milliseconds: its row stays, so that a resend is still a duplicate, and counts for nothing.
DO $$
DECLARE stored integer;
BEGIN
  FOR stored IN SELECT week FROM event_week LOOP
    EXECUTE format('ALTER TABLE event_%s ADD COLUMN IF NOT EXISTS canceled_at bigint', stored);
  END LOOP;
END $$
--;
-- Raised when an event that the backfill may be about to count is taken back: a page read before does not hold any more.
ALTER TABLE meter_backfill ADD COLUMN cancellations bigint NOT NULL DEFAULT 0
--;
ALTER TABLE meter ADD COLUMN deactivated_at bigint
--;
-- [[from, to], ...]: events with from <= sequence number < to were stored while the meter did not count; the last `to` is
-- null while it is deactivated.
ALTER TABLE meter ADD COLUMN pauses jsonb NOT NULL DEFAULT '[]'

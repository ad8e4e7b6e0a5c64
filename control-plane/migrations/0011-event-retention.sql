-- What the upkeep of the weekly event tables remembers.
-- Locks: ACCESS EXCLUSIVE on event_week and dropped_event_week for an instant. Order of deployment: before the code.

-- A week is first taken off the list, so that no reader finds it, and its table dropped an hour later.
ALTER TABLE dropped_event_week ADD COLUMN table_dropped_at bigint;

-- One replica builds the index by subject of a week that is over (epoch milliseconds, database clock).
ALTER TABLE event_week ADD COLUMN index_claimed_until bigint NOT NULL DEFAULT 0;
ALTER TABLE event_week ADD COLUMN indexed_at bigint;

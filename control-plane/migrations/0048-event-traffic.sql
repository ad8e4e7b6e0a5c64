-- How many events were taken in, by ten seconds: what live views of traffic read instead of counting events.
-- Locks: none but on a new table. Order of deployment: before any code.

-- For looking at, never for counting: each replica adds what it took in once a second, so a crash loses the last second,
-- and rows are removed after two hours.
CREATE TABLE event_traffic (
  -- Epoch milliseconds, a multiple of 10,000.
  bucket bigint PRIMARY KEY,
  events bigint NOT NULL
) WITH (fillfactor = 50);

-- Meters that usage makes by itself: one row a numeric key of Revenium's payloads, with the meter made for it, and one a
-- text key that became a dimension of those meters. Rows stay when the meter is deleted, so that it is not made again.
-- Locks: none that anybody waits for (new tables).
CREATE TABLE metering_element (
  key text PRIMARY KEY,
  meter_id text NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE metering_dimension (
  key text PRIMARY KEY,
  -- The group-by key that the meters have for it.
  group_key text NOT NULL UNIQUE,
  created_at bigint NOT NULL
);

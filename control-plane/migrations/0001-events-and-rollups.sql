-- Usage events, the meters that read them, and the rollups that queries read.
-- Times are epoch milliseconds (bigint): exact, free of time zones, cheap to group; docs/decisions/0003.
-- Locks: none but on new tables. Order of deployment: before any code.

-- One row: the version of everything that decides how an event is counted (meters, features, rules).
-- Ingest reads it under a shared advisory lock; whoever changes the catalog bumps it under the exclusive one.
CREATE TABLE catalog_version (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  version bigint NOT NULL
);

INSERT INTO catalog_version (version) VALUES (1);

-- The order of ingestion. A batch takes one value and numbers its events from value * 16384.
CREATE SEQUENCE event_batch;

-- Raw events live in one table a storage week, event_<week>, made when the week begins: week = floor(received_at / 604800000).
-- They have no common parent: a duplicate is found by the unique index of the current week and by a probe of the other
-- weeks in the deduplication window; retention drops whole tables.
CREATE TABLE event_week (
  week integer PRIMARY KEY,
  created_at bigint NOT NULL
);

CREATE TABLE meter (
  id text COLLATE "C" PRIMARY KEY,
  -- Narrow key of the hot tables.
  number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
  slug text COLLATE "C" NOT NULL,
  name text,
  description text,
  aggregation text NOT NULL CHECK (aggregation IN ('SUM', 'COUNT', 'AVG', 'MIN', 'MAX', 'UNIQUE_COUNT', 'LATEST')),
  event_type text COLLATE "C" NOT NULL,
  event_from bigint,
  value_property text,
  group_by jsonb NOT NULL DEFAULT '{}',
  metadata jsonb NOT NULL DEFAULT '{}',
  -- Events with a smaller sequence number were stored before the meter; the backfill counts them.
  counts_from_seq bigint NOT NULL,
  -- The backfill has counted every event below this sequence number; it is done when it reaches counts_from_seq.
  backfilled_to_seq bigint NOT NULL DEFAULT 0,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  CHECK ((aggregation = 'COUNT') = (value_property IS NULL))
);

CREATE UNIQUE INDEX meter_slug ON meter (slug) WHERE deleted_at IS NULL;

-- A line of rollups. Level 0: one subject and one combination of group-by values, by minute;
-- level 1: one subject, by hour; level 2: the whole meter, by hour, in shards so that replicas do not wait for one row.
CREATE TABLE series (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  meter_number integer NOT NULL,
  level smallint NOT NULL CHECK (level IN (0, 1, 2)),
  shard smallint NOT NULL DEFAULT 0,
  subject text COLLATE "C" NOT NULL,
  groups jsonb NOT NULL,
  UNIQUE (meter_number, level, subject, groups, shard)
);

-- What a series adds up to in one bucket (its start: a minute at level 0, an hour above).
-- latest_* belong to the event with the greatest (time, seq).
CREATE TABLE rollup (
  series_id bigint NOT NULL,
  bucket bigint NOT NULL,
  count bigint NOT NULL,
  sum numeric,
  min numeric,
  max numeric,
  latest numeric,
  latest_time bigint,
  latest_seq bigint,
  PRIMARY KEY (series_id, bucket)
) WITH (fillfactor = 80);

-- The distinct values of UNIQUE_COUNT meters, a row for each minute in which a value was seen.
CREATE TABLE rollup_value (
  series_id bigint NOT NULL,
  bucket bigint NOT NULL,
  value text COLLATE "C" NOT NULL,
  PRIMARY KEY (series_id, bucket, value)
);

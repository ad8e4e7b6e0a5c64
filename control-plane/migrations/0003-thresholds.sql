-- Lines that rules draw across entitlements, and each crossing of one, told once.
-- Locks: none but on new tables. Order of deployment: before any code.

-- A balance threshold rule as ingest needs it; its row is written by the stage that owns the rule, in the same
-- transaction, with the definitions' version raised.
CREATE TABLE threshold_watch (
  rule_id text COLLATE "C" PRIMARY KEY,
  -- Ids or keys of the features concerned; null for all.
  features jsonb,
  -- [{"type": "usage_percentage" | "usage_value" | "balance_value", "value": "<decimal>"}]
  lines jsonb NOT NULL
);

CREATE TABLE threshold_crossing (
  id text COLLATE "C" PRIMARY KEY,
  rule_id text COLLATE "C" NOT NULL,
  entitlement_id text COLLATE "C" NOT NULL,
  period_from bigint NOT NULL,
  -- "<type>:<value>"
  line text COLLATE "C" NOT NULL,
  usage numeric NOT NULL,
  exhausts_at numeric NOT NULL,
  crossed_at bigint NOT NULL,
  -- Set when the allowance grew beyond the line: the next crossing is told again.
  rearmed_at bigint
);

-- Once per (rule, entitlement, period, threshold), until armed again.
CREATE UNIQUE INDEX threshold_crossing_once ON threshold_crossing (entitlement_id, period_from, rule_id, line)
  WHERE rearmed_at IS NULL;
CREATE INDEX threshold_crossing_time ON threshold_crossing (crossed_at);

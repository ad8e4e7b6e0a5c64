-- Subjects, customers, features, entitlements with their grants, and the running usage that ingest keeps.
-- Locks: none but on new tables. Order of deployment: before any code.

CREATE TABLE subject (
  id text COLLATE "C" PRIMARY KEY,
  key text COLLATE "C" NOT NULL UNIQUE,
  display_name text,
  metadata jsonb NOT NULL DEFAULT '{}',
  stripe_customer_id text,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);

CREATE TABLE customer (
  id text COLLATE "C" PRIMARY KEY,
  key text COLLATE "C",
  name text NOT NULL,
  description text,
  primary_email text,
  currency text,
  billing_address jsonb,
  metadata jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint
);

CREATE UNIQUE INDEX customer_key ON customer (key) WHERE deleted_at IS NULL;
CREATE INDEX customer_created ON customer (created_at, id) WHERE deleted_at IS NULL;

-- Every event subject that belongs to a customer: its usageAttribution.subjectKeys and its own key.
-- The rows of a deleted customer are removed, so that its subjects are free again.
CREATE TABLE customer_subject (
  subject text COLLATE "C" PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL REFERENCES customer (id),
  -- False for the customer's own key, which counts without being listed.
  is_listed boolean NOT NULL,
  position integer NOT NULL DEFAULT 0
);

CREATE INDEX customer_subject_customer ON customer_subject (customer_id);

CREATE TABLE feature (
  id text COLLATE "C" PRIMARY KEY,
  key text COLLATE "C" NOT NULL,
  name text NOT NULL,
  meter_id text COLLATE "C" REFERENCES meter (id),
  -- {"<group-by key>": {"$eq" | "$in" | ...: ...}}: which of the meter's events count.
  filters jsonb NOT NULL DEFAULT '{}',
  -- What a unit costs us, as given: kept for those who read it, nothing is computed from it.
  unit_cost jsonb,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  archived_at bigint
);

CREATE UNIQUE INDEX feature_key ON feature (key) WHERE archived_at IS NULL;

CREATE TABLE entitlement (
  id text COLLATE "C" PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL REFERENCES customer (id),
  feature_id text COLLATE "C" NOT NULL REFERENCES feature (id),
  feature_key text COLLATE "C" NOT NULL,
  -- The subject that an entitlement of the v1 subject API was made for.
  subject_key text COLLATE "C",
  type text NOT NULL CHECK (type IN ('metered', 'static', 'boolean')),
  config text,
  is_soft_limit boolean NOT NULL DEFAULT false,
  issue_after_reset numeric,
  issue_after_reset_priority smallint,
  preserve_overage_at_reset boolean NOT NULL DEFAULT false,
  measure_usage_from bigint,
  -- ISO 8601 duration, and the anchor at creation; entitlement_reset says what it is from when on.
  usage_period_interval text,
  usage_period_anchor bigint,
  -- A subscription manages the entitlements it made.
  subscription_id text COLLATE "C",
  active_from bigint NOT NULL,
  active_to bigint,
  metadata jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  CHECK (type <> 'metered' OR (usage_period_interval IS NOT NULL AND usage_period_anchor IS NOT NULL AND measure_usage_from IS NOT NULL))
);

CREATE INDEX entitlement_customer ON entitlement (customer_id, feature_key) WHERE deleted_at IS NULL;
CREATE INDEX entitlement_feature ON entitlement (feature_id) WHERE deleted_at IS NULL;
CREATE INDEX entitlement_created ON entitlement (created_at, id);
CREATE INDEX entitlement_subscription ON entitlement (subscription_id) WHERE subscription_id IS NOT NULL;

-- "grant" is a reserved word.
CREATE TABLE entitlement_grant (
  id text COLLATE "C" PRIMARY KEY,
  entitlement_id text COLLATE "C" NOT NULL REFERENCES entitlement (id),
  amount numeric NOT NULL CHECK (amount > 0),
  priority smallint NOT NULL DEFAULT 0,
  effective_at bigint NOT NULL,
  -- {"duration": "HOUR"|..., "count": n} as given; expires_at is what follows from it.
  expiration jsonb,
  expires_at bigint,
  min_rollover numeric NOT NULL DEFAULT 0,
  max_rollover numeric NOT NULL DEFAULT 0,
  recurrence_interval text,
  recurrence_anchor bigint,
  voided_at bigint,
  deleted_at bigint,
  metadata jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);

CREATE INDEX entitlement_grant_entitlement ON entitlement_grant (entitlement_id);
CREATE INDEX entitlement_grant_created ON entitlement_grant (created_at, id);

-- Resets by hand. From `at` on, periods are counted from `anchor`.
CREATE TABLE entitlement_reset (
  entitlement_id text COLLATE "C" NOT NULL REFERENCES entitlement (id),
  at bigint NOT NULL,
  anchor bigint NOT NULL,
  preserve_overage boolean NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (entitlement_id, at)
);

-- The balances at the start of a usage period, after rollover, so that reading never goes further back than that.
-- A late event deletes the snapshots after its time; they are made again from the one before.
CREATE TABLE balance_snapshot (
  entitlement_id text COLLATE "C" NOT NULL REFERENCES entitlement (id),
  at bigint NOT NULL,
  -- {"<grant id>": "<balance>"}
  grant_balances jsonb NOT NULL,
  overage numeric NOT NULL,
  -- What the carried overage has burned of the new period's grants.
  grant_usage numeric NOT NULL,
  PRIMARY KEY (entitlement_id, at)
);

-- Where an entitlement stands: one row from its creation to its end, of every type; kept by the ingest transaction.
-- While segment_from <= time < valid_until, usage only adds up, and
--   balance = max(0, exhausts_at - usage), overage = max(0, usage - exhausts_at).
-- An event outside of that span, a stale row, or usage at or above wake_at makes ingest evaluate the entitlement.
CREATE TABLE entitlement_standing (
  entitlement_id text COLLATE "C" PRIMARY KEY REFERENCES entitlement (id),
  customer_id text COLLATE "C" NOT NULL,
  feature_id text COLLATE "C" NOT NULL,
  feature_key text COLLATE "C" NOT NULL,
  -- Before this time the entitlement is only planned, and gives no access.
  active_from bigint NOT NULL,
  -- Events before this time never count, so that late ones of earlier times cost nothing.
  measure_from bigint NOT NULL,
  period_from bigint NOT NULL,
  period_to bigint NOT NULL,
  segment_from bigint NOT NULL,
  -- The next instant at which something but usage changes the balance or the access.
  valid_until bigint NOT NULL,
  usage numeric NOT NULL,
  exhausts_at numeric NOT NULL,
  -- What grants have covered in this period plus the balance; constant within a segment.
  total_available numeric NOT NULL,
  wake_at numeric,
  -- [["<grant id>", "<balance>"], ...] when the segment began, in the order in which grants burn; the balances at any
  -- usage follow from it and exhausts_at.
  grant_balances jsonb NOT NULL DEFAULT '[]',
  has_access boolean NOT NULL,
  -- catalog_version when wake_at was computed; another version means that rules may have changed.
  definitions bigint NOT NULL,
  is_stale boolean NOT NULL DEFAULT false,
  updated_at bigint NOT NULL
) WITH (fillfactor = 60);

CREATE INDEX entitlement_standing_feature ON entitlement_standing (customer_id, feature_id);

-- What the scheduler sleeps on.
CREATE INDEX entitlement_standing_due ON entitlement_standing (valid_until);

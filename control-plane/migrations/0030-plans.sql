-- Plans: what a subscription costs and which features it gives.
-- Locks: none but on new tables. Order of deployment: before any code.

CREATE TABLE plan (
  id text COLLATE "C" PRIMARY KEY,
  key text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  name text NOT NULL,
  description text,
  metadata jsonb NOT NULL DEFAULT '{}',
  -- ISO 4217.
  currency text NOT NULL,
  -- ISO 8601 duration.
  billing_cadence text NOT NULL,
  is_prorated boolean NOT NULL,
  -- [{key, name, duration, rateCards: [...]}] with amounts as decimal text; never changed once published.
  phases jsonb NOT NULL,
  -- Null while it is a draft; then it is in force from effective_from up to effective_to.
  effective_from bigint,
  effective_to bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  CHECK (effective_to IS NULL OR effective_from IS NOT NULL)
);

-- Numbers of deleted versions are not used again, so that a subscription's (key, version) means one plan for ever.
CREATE UNIQUE INDEX plan_version ON plan (key, version);
CREATE UNIQUE INDEX plan_draft ON plan (key) WHERE effective_from IS NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX plan_in_force ON plan (key)
  WHERE effective_from IS NOT NULL AND effective_to IS NULL AND deleted_at IS NULL;

-- Add-ons: rate cards that can be taken on top of a plan, and which plans offer them.
-- Locks: none but on new tables. Order of deployment: before any code.

CREATE TABLE addon (
  id text COLLATE "C" PRIMARY KEY,
  key text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  name text NOT NULL,
  description text,
  metadata jsonb NOT NULL DEFAULT '{}',
  -- ISO 4217.
  currency text NOT NULL,
  instance_type text NOT NULL CHECK (instance_type IN ('single', 'multiple')),
  -- As in plans; never changed once published.
  rate_cards jsonb NOT NULL,
  -- Null while it is a draft; then it is in force from effective_from up to effective_to.
  effective_from bigint,
  effective_to bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  CHECK (effective_to IS NULL OR effective_from IS NOT NULL)
);

-- Numbers of deleted versions are not used again.
CREATE UNIQUE INDEX addon_version ON addon (key, version);
CREATE UNIQUE INDEX addon_draft ON addon (key) WHERE effective_from IS NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX addon_in_force ON addon (key)
  WHERE effective_from IS NOT NULL AND effective_to IS NULL AND deleted_at IS NULL;

-- A plan offers an add-on from one of its phases on.
CREATE TABLE plan_addon (
  plan_id text COLLATE "C" NOT NULL REFERENCES plan (id),
  addon_id text COLLATE "C" NOT NULL REFERENCES addon (id),
  from_plan_phase text NOT NULL,
  -- Null for as many as wanted.
  max_quantity integer CHECK (max_quantity >= 1),
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (plan_id, addon_id)
);

-- Subscriptions: which customer has which plan, and when.
-- Locks: none but on new tables. Order of deployment: before any code.

CREATE TABLE subscription (
  id text COLLATE "C" PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL REFERENCES customer (id),
  plan_id text COLLATE "C" NOT NULL REFERENCES plan (id),
  plan_key text COLLATE "C" NOT NULL,
  plan_version integer NOT NULL,
  name text NOT NULL,
  description text,
  metadata jsonb NOT NULL DEFAULT '{}',
  currency text NOT NULL,
  -- ISO 8601 duration.
  billing_cadence text NOT NULL,
  billing_anchor bigint NOT NULL,
  is_prorated boolean NOT NULL,
  -- [{id, key, name, activeFrom, activeTo, items: [{id, card, featureId, entitlementId}]}]: the plan's phases laid out
  -- in time; the end of the subscription cuts them.
  phases jsonb NOT NULL,
  active_from bigint NOT NULL,
  active_to bigint,
  -- Every billing period that begins before this instant has its lines; null when no more will come.
  next_lines_at bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  CHECK (active_to IS NULL OR active_to >= active_from)
);

-- That no two of a customer overlap is checked under a lock on the customer; this finds them.
CREATE INDEX subscription_customer ON subscription (customer_id, active_from);
CREATE INDEX subscription_lines_due ON subscription (next_lines_at) WHERE next_lines_at IS NOT NULL;

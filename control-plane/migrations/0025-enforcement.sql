-- Gateways, the policies that tie features to groups on them, holds, and the state and log of access.
-- Locks: new tables only, but for one index on entitlement (SHARE lock: writers of entitlements wait while it is built).
-- Order of deployment: before any code.

CREATE TABLE gateway (
  id text COLLATE "C" PRIMARY KEY,
  key text COLLATE "C" NOT NULL UNIQUE,
  name text NOT NULL,
  driver text NOT NULL CHECK (driver IN ('kong-acl', 'kong-consumer-groups', 'kong-dbless', 'konnect')),
  -- Addresses and how to sign in; tokens only as "${env:NAME}".
  settings jsonb NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);

-- Which replica works on a gateway, and how the gateway answered it. One at a time, so that limits of calls hold.
CREATE TABLE gateway_lane (
  gateway_id text COLLATE "C" PRIMARY KEY REFERENCES gateway (id) ON DELETE CASCADE,
  holder text COLLATE "C",
  held_until bigint NOT NULL DEFAULT 0,
  swept_at bigint,
  health jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE access_policy (
  id text COLLATE "C" PRIMARY KEY,
  -- The key, not the id: access reported from elsewhere may name features that are unknown here.
  feature_key text COLLATE "C" NOT NULL,
  gateway_id text COLLATE "C" NOT NULL REFERENCES gateway (id),
  -- ["group"]: groups that give access, left without it.
  leave_groups jsonb NOT NULL,
  -- ["group"]: groups that consumers without access are put in.
  join_groups jsonb NOT NULL,
  mode text NOT NULL CHECK (mode IN ('enforce', 'observe')),
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  UNIQUE (feature_key, gateway_id)
);

CREATE INDEX access_policy_gateway ON access_policy (gateway_id);

-- A person's decision that stands above the entitlement, for one feature or (null) for all.
CREATE TABLE access_hold (
  id text COLLATE "C" PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL REFERENCES customer (id),
  feature_key text COLLATE "C",
  kind text NOT NULL CHECK (kind IN ('hold', 'allow')),
  reason text NOT NULL,
  ends_at bigint,
  ended_at bigint,
  created_by text NOT NULL,
  created_at bigint NOT NULL
);

CREATE UNIQUE INDEX access_hold_one ON access_hold (customer_id, COALESCE(feature_key, '')) WHERE ended_at IS NULL;
CREATE INDEX access_hold_customer ON access_hold (customer_id);
CREATE INDEX access_hold_ends ON access_hold (ends_at) WHERE ended_at IS NULL AND ends_at IS NOT NULL;

-- Access as a metering elsewhere reported it; entitlements here stand above it.
CREATE TABLE reported_access (
  customer_id text COLLATE "C" NOT NULL REFERENCES customer (id),
  feature_key text COLLATE "C" NOT NULL,
  has_access boolean NOT NULL,
  -- Of the report, so that one that arrives late changes nothing.
  reported_at bigint NOT NULL,
  PRIMARY KEY (customer_id, feature_key)
);

-- What was last seen of a customer's consumers on a gateway, and (due_at) whether somebody must look again.
-- Wanted access is not here: it is derived when it is needed.
CREATE TABLE access_state (
  gateway_id text COLLATE "C" NOT NULL REFERENCES gateway (id) ON DELETE CASCADE,
  customer_id text COLLATE "C" NOT NULL REFERENCES customer (id),
  -- Raised by every cause, so that a cause that comes while a change is under way is not lost.
  generation bigint NOT NULL DEFAULT 1,
  due_at bigint,
  attempts integer NOT NULL DEFAULT 0,
  cause text NOT NULL,
  caused_at bigint NOT NULL,
  -- [{"id", "username", "customId", "groups": {"<group>": "member" | "absent" | "some"}}]
  consumers jsonb NOT NULL DEFAULT '[]',
  -- {"<policy id>": {"access": "in" | "out" | "partial", "since", "cause"}}
  observed jsonb NOT NULL DEFAULT '{}',
  observed_at bigint,
  error_code text,
  error text,
  error_since bigint,
  PRIMARY KEY (gateway_id, customer_id)
) WITH (fillfactor = 70);

CREATE INDEX access_state_due ON access_state (gateway_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX access_state_customer ON access_state (customer_id);

-- Every change of access, and every one that failed or would have been made.
CREATE TABLE access_log (
  id text COLLATE "C" PRIMARY KEY,
  at bigint NOT NULL,
  gateway_id text COLLATE "C" NOT NULL,
  gateway_key text COLLATE "C" NOT NULL,
  policy_id text COLLATE "C" NOT NULL,
  feature_key text COLLATE "C" NOT NULL,
  customer_id text COLLATE "C" NOT NULL,
  customer_key text,
  consumer_id text,
  consumer text,
  access text NOT NULL CHECK (access IN ('in', 'out')),
  outcome text NOT NULL CHECK (outcome IN ('done', 'already', 'failed', 'would')),
  reason text NOT NULL,
  cause text NOT NULL,
  caused_at bigint NOT NULL,
  -- From the cause to the gateway's answer, and of the calls alone; milliseconds.
  duration_ms bigint NOT NULL,
  call_ms bigint NOT NULL,
  -- [{"group", "action": "add" | "remove", "answer"}]
  changes jsonb NOT NULL,
  error_code text,
  error text
);

CREATE INDEX access_log_customer ON access_log (customer_id, id);
CREATE INDEX access_log_gateway ON access_log (gateway_id, id);
CREATE INDEX access_log_feature ON access_log (feature_key, id);

-- Whether a customer ever had an entitlement to a feature: deleted ones count, so the partial index does not do.
CREATE INDEX entitlement_history ON entitlement (feature_key, customer_id);

-- Where notifications go (channels), what they tell (rules), what was told (events) and how sending it went (deliveries).
-- Locks: none but on new tables. Order of deployment: before any code.

CREATE TABLE notification_channel (
  id text COLLATE "C" PRIMARY KEY,
  type text NOT NULL CHECK (type = 'WEBHOOK'),
  name text NOT NULL,
  url text NOT NULL,
  custom_headers jsonb NOT NULL DEFAULT '{}',
  signing_secret text NOT NULL,
  is_disabled boolean NOT NULL DEFAULT false,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint
);

CREATE TABLE notification_rule (
  id text COLLATE "C" PRIMARY KEY,
  type text NOT NULL
    CHECK (type IN ('entitlements.balance.threshold', 'entitlements.reset', 'invoice.created', 'invoice.updated')),
  name text NOT NULL,
  is_disabled boolean NOT NULL DEFAULT false,
  -- [{"type", "value"}] as given; threshold_watch holds what ingest reads.
  thresholds jsonb,
  -- [{"reference", "id", "key"}]: the id or key as given, and the feature it meant; null for every feature.
  features jsonb,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  CHECK ((type = 'entitlements.balance.threshold') = (thresholds IS NOT NULL))
);

CREATE TABLE notification_rule_channel (
  rule_id text COLLATE "C" NOT NULL REFERENCES notification_rule (id),
  channel_id text COLLATE "C" NOT NULL REFERENCES notification_channel (id),
  position integer NOT NULL,
  PRIMARY KEY (rule_id, channel_id)
);

CREATE INDEX notification_rule_channel_channel ON notification_rule_channel (channel_id);

CREATE TABLE notification_event (
  id text COLLATE "C" PRIMARY KEY,
  type text NOT NULL,
  rule_id text COLLATE "C" NOT NULL REFERENCES notification_rule (id),
  created_at bigint NOT NULL,
  -- What the event tells, where it must be told once; null where it may repeat (tests, invoices).
  once_key text COLLATE "C" UNIQUE,
  feature_id text COLLATE "C",
  feature_key text COLLATE "C",
  subject_id text COLLATE "C",
  subject_key text COLLATE "C",
  -- The webhook's body, byte for byte: every attempt and every resend sends and signs the same text.
  payload text NOT NULL,
  annotations jsonb NOT NULL DEFAULT '{}'
);

CREATE INDEX notification_event_time ON notification_event (created_at, id);
CREATE INDEX notification_event_rule ON notification_event (rule_id, created_at);
CREATE INDEX notification_event_subject ON notification_event (subject_key, created_at);

-- One row an event and channel: the outbox that the delivery worker works off.
CREATE TABLE notification_delivery (
  event_id text COLLATE "C" NOT NULL REFERENCES notification_event (id),
  channel_id text COLLATE "C" NOT NULL REFERENCES notification_channel (id),
  state text NOT NULL CHECK (state IN ('PENDING', 'SENDING', 'SUCCESS', 'FAILED', 'RESENDING')),
  reason text NOT NULL DEFAULT '',
  updated_at bigint NOT NULL,
  -- When a worker may take it: for a delivery in flight the end of the taker's lease, so that a crashed worker's
  -- deliveries are taken again; null when there is nothing left to do.
  due_at bigint,
  is_in_flight boolean NOT NULL DEFAULT false,
  -- How often it was taken: the number of the attempt, and the fence against a worker that outlived its lease.
  takes integer NOT NULL DEFAULT 0,
  -- Attempts that ended since it was created or sent again by hand: the place in the retry schedule.
  tries integer NOT NULL DEFAULT 0,
  PRIMARY KEY (event_id, channel_id),
  CHECK ((due_at IS NULL) = (state IN ('SUCCESS', 'FAILED')))
) WITH (fillfactor = 70);

CREATE INDEX notification_delivery_lane ON notification_delivery (channel_id, due_at, event_id) WHERE due_at IS NOT NULL;

CREATE TABLE notification_attempt (
  event_id text COLLATE "C" NOT NULL,
  channel_id text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  state text NOT NULL CHECK (state IN ('SUCCESS', 'FAILED')),
  -- Null when there was no answer.
  status_code integer,
  -- The beginning of the answer, or why there was none.
  body text NOT NULL,
  duration_ms integer NOT NULL,
  url text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (event_id, channel_id, number),
  FOREIGN KEY (event_id, channel_id) REFERENCES notification_delivery (event_id, channel_id)
);

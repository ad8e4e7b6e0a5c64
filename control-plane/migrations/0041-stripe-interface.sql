-- What the Stripe interface keeps beside the stages: how its meters read events, sessions, answers given, errors found.
-- Locks: none but on new tables. Order of deployment: before the code.

-- A meter that was made through Stripe's API.
CREATE TABLE stripe_meter (
  meter_id text COLLATE "C" PRIMARY KEY REFERENCES meter (id),
  -- Where the payload of an event names the customer and the amount.
  customer_key text NOT NULL,
  value_key text NOT NULL,
  event_time_window text CHECK (event_time_window IN ('hour', 'day'))
);

-- Sessions of the meter event stream, known to every replica; the token is kept as its SHA-256 alone.
CREATE TABLE stripe_session (
  id text COLLATE "C" PRIMARY KEY,
  token_hash text COLLATE "C" NOT NULL UNIQUE,
  -- The API token that it was made with: it ends with that one.
  api_token_id text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);

CREATE INDEX stripe_session_expiry ON stripe_session (expires_at);

-- Answers to requests that carried an Idempotency-Key. Meter events are not among them: theirs is kept with the event.
CREATE TABLE stripe_idempotency (
  -- SHA-256 of the key, and of the request that it was used for.
  key_hash text COLLATE "C" PRIMARY KEY,
  fingerprint text NOT NULL,
  -- Null while the first request is under way.
  status integer,
  answer text,
  created_at bigint NOT NULL
);

CREATE INDEX stripe_idempotency_age ON stripe_idempotency (created_at);

-- Events of the stream that could not be counted, added up until the window is reported.
CREATE TABLE stripe_meter_error (
  window_start bigint NOT NULL,
  -- Empty where there is no meter.
  meter_id text COLLATE "C" NOT NULL,
  code text COLLATE "C" NOT NULL,
  error_count bigint NOT NULL,
  -- The first few: [{"message", "identifier"}].
  samples jsonb NOT NULL,
  PRIMARY KEY (window_start, meter_id, code)
);

-- What was reported, as GET /v2/core/events answers it.
CREATE TABLE stripe_event (
  id text COLLATE "C" PRIMARY KEY,
  type text NOT NULL,
  meter_id text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  body jsonb NOT NULL
);

CREATE INDEX stripe_event_age ON stripe_event (created_at);

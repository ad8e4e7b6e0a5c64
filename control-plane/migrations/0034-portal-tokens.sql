-- Tokens with which a customer's browser reads the usage of one subject, and the key that signs them.
-- Locks: none but on new tables. Order of deployment: before any code.

CREATE TABLE portal_key (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- 32 random bytes, base64; every replica signs and verifies with it.
  secret text NOT NULL
);

CREATE TABLE portal_token (
  id text COLLATE "C" PRIMARY KEY,
  subject text COLLATE "C" NOT NULL,
  -- Null where every meter may be read.
  meter_slugs jsonb,
  expires_at bigint NOT NULL,
  invalidated_at bigint,
  created_at bigint NOT NULL
);

CREATE INDEX portal_token_subject ON portal_token (subject);
CREATE INDEX portal_token_created ON portal_token (created_at, id);

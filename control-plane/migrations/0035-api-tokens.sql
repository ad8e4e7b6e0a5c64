-- Tokens of the HTTP API. Only their SHA-256 is kept: 32 random bytes cannot be found from it, so no salt is needed.
-- Locks: none but on the new table. Order of deployment: before the code that reads it.
CREATE TABLE api_token (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  -- Lower-case hexadecimal.
  hash text COLLATE "C" NOT NULL UNIQUE CHECK (length(hash) = 64),
  scopes jsonb NOT NULL,
  -- The token with which it was made.
  created_by text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint,
  -- Written lazily, up to a minute late.
  last_used_at bigint,
  revoked_at bigint
);

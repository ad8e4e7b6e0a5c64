-- Halves of a gateway's exchange (the request and its response), told apart and joined by the transaction's id. A row leaves
-- when its usage event is stored, or when the other half has not come in time.
-- Locks: none that anybody waits for (a new table).
CREATE TABLE exchange (
  transaction_id text PRIMARY KEY,
  request jsonb,
  request_at bigint,
  response jsonb,
  first_at bigint NOT NULL,
  CHECK (request IS NOT NULL OR response IS NOT NULL),
  CHECK ((request IS NULL) = (request_at IS NULL))
);
CREATE INDEX exchange_first_at ON exchange (first_at);

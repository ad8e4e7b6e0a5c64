-- Invoices and their lines.
-- Locks: none but on new tables. Order of deployment: before any code.

CREATE SEQUENCE invoice_number;

CREATE TABLE invoice (
  id text COLLATE "C" PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL REFERENCES customer (id),
  currency text NOT NULL,
  -- The state as OpenMeter's extended status has it: gathering, draft.waiting_for_collection, paid, ...
  state text NOT NULL,
  -- Given when it is issued.
  number text COLLATE "C" UNIQUE,
  description text,
  metadata jsonb NOT NULL DEFAULT '{}',
  -- Whom it is for, as the customer was when the invoice left the gathering.
  customer jsonb,
  -- Until then late events count.
  collection_at bigint,
  quantity_snapshotted_at bigint,
  draft_until bigint,
  issued_at bigint,
  due_at bigint,
  paid_at bigint,
  voided_at bigint,
  void_reason text,
  -- When the scheduler has to look at it; for a gathering invoice, when its first line is due.
  next_step_at bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint
);

CREATE UNIQUE INDEX invoice_gathering ON invoice (customer_id, currency) WHERE state = 'gathering';
CREATE INDEX invoice_customer ON invoice (customer_id, created_at);
CREATE INDEX invoice_created ON invoice (created_at, id);
CREATE INDEX invoice_due ON invoice (next_step_at) WHERE next_step_at IS NOT NULL;

CREATE TABLE invoice_line (
  id text COLLATE "C" PRIMARY KEY,
  invoice_id text COLLATE "C" NOT NULL REFERENCES invoice (id),
  managed_by text NOT NULL CHECK (managed_by IN ('subscription', 'manual')),
  -- {subscriptionId, phaseId, itemId, billingPeriod: {from, to}}; null for lines by hand.
  origin jsonb,
  item_id text COLLATE "C",
  name text NOT NULL,
  description text,
  metadata jsonb NOT NULL DEFAULT '{}',
  feature_id text COLLATE "C",
  feature_key text COLLATE "C",
  price jsonb NOT NULL,
  discounts jsonb,
  tax_config jsonb,
  period_from bigint NOT NULL,
  period_to bigint NOT NULL,
  invoice_at bigint NOT NULL,
  -- The line of the same period whose quantity this one corrects: events came after it was billed.
  corrects_id text COLLATE "C",
  -- Fixed when the invoice's quantities are: metered within the line, and billed for its period before it.
  quantity numeric,
  pre_line_quantity numeric,
  -- The priced components and totals, amounts as decimal text.
  priced jsonb,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  CHECK (item_id IS NOT NULL OR managed_by = 'manual')
);

CREATE INDEX invoice_line_invoice ON invoice_line (invoice_id, invoice_at);
-- Each period of an item is billed once, whichever replica makes the line.
CREATE UNIQUE INDEX invoice_line_once ON invoice_line (item_id, period_from) WHERE corrects_id IS NULL AND item_id IS NOT NULL;
CREATE INDEX invoice_line_item ON invoice_line (item_id, period_to) WHERE item_id IS NOT NULL;

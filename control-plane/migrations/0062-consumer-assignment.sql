-- Customers that were made of a gateway's consumer and have not been given their plan or entitlements yet. The row is made
-- with the customer and goes when everything is given, so that a process that ends in between leaves nobody without a plan:
-- the next run goes on.
-- Locks: none but on a new table. Order of deployment: before the code that writes it; older code does not look at it.

CREATE TABLE consumer_assignment (
  customer_id text COLLATE "C" PRIMARY KEY
);

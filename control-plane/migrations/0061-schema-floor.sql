-- Which versions may work with this schema while replicas are replaced one by one: a version must know the migration of
-- this number. Migrations only add, so it stays where it is; one that older versions cannot live with raises it to its own
-- number in the same file (UPDATE schema_floor SET number = ...), and their starts are refused with the remedy.
-- Locks: none but on a new table. Order of deployment: before any code that reads it; older code does not look at it.

CREATE TABLE schema_floor (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  number integer NOT NULL
);

INSERT INTO schema_floor (number) VALUES (0);

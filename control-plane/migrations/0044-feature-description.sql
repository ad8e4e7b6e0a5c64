-- The description of a feature, which v3 of OpenMeter's API has.
-- A column without a default is added in an instant; the exclusive lock on feature is held as long.
ALTER TABLE feature ADD COLUMN description text;

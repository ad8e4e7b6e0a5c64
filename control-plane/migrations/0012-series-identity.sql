-- A series is identified by a digest of its group-by values: as they stand they may be longer than an index row can be.
-- Locks: the index is built under a lock against writes to series (seconds a million rows). Order of deployment: before the code.

CREATE UNIQUE INDEX series_identity ON series (meter_number, level, subject, md5(groups::text), shard);

ALTER TABLE series DROP CONSTRAINT series_meter_number_level_subject_groups_shard_key;

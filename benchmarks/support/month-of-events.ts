/** Fills the tables of the control plane with a month of events by SQL: what ingest would have written, rollups included. */

import { createWeek, weekMs, weekOf } from '../../control-plane/src/events';
import type { Database } from '../../control-plane/src/storage';
import { dataText, eventSource, eventType, methodAt, routeAt, subjectCount } from './sample-events';

const groupCount = 20;
/** Sequence numbers of one batch of ingest; the month's come before the first batch. */
const batchStride = 16_384;

export interface Month {
  events: number;
  from: number;
  to: number;
}

/** The id of the month's n-th event, counted from 1. */
export const idOfMonthEvent = 'md5($1::text)';

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const groups = Array.from({ length: groupCount }, (_, index) => ({
  method: methodAt(index),
  route: routeAt(Math.floor(index / 4)),
}));

/** Series of every subject and combination of groups, of every subject, and of the whole meter. */
const makeSeries = `
  CREATE UNLOGGED TABLE month_group (g integer PRIMARY KEY, data text, groups jsonb);
  INSERT INTO month_group VALUES ${groups
    .map(
      ({ method, route }, g) =>
        `(${g}, ${quote(dataText(method, route))}, ${quote(JSON.stringify({ method, route }))})`,
    )
    .join(', ')};
  CREATE UNLOGGED TABLE month_subject AS
    SELECT s, 'subject-' || lpad(s::text, 4, '0') AS subject FROM generate_series(0, ${subjectCount - 1}) s;
  INSERT INTO series (meter_number, level, shard, subject, groups)
    SELECT m.number, 0, 0, subject, groups FROM meter m, month_subject, month_group
    UNION ALL SELECT m.number, 1, 0, subject, '{}' FROM meter m, month_subject
    UNION ALL SELECT m.number, 2, 0, '', '{}' FROM meter m;
  CREATE UNLOGGED TABLE month_series AS
    SELECT s.s, g.g, detail.id AS detail, hourly.id AS hourly
    FROM month_subject s CROSS JOIN month_group g
    JOIN series detail ON detail.level = 0 AND detail.subject = s.subject AND detail.groups = g.groups
    JOIN series hourly ON hourly.level = 1 AND hourly.subject = s.subject;
  ALTER TABLE rollup DROP CONSTRAINT rollup_pkey;`;

/** Events of [from, to) numbered first..last, at random times, subjects and groups, and their rollups. */
const fillWeek = (week: number, first: number, last: number, from: number, to: number): string => `
  CREATE UNLOGGED TABLE month_stage AS
    SELECT n, ${from} + floor((n - ${first}) * ${(to - from) / (last - first + 1)})::bigint AS time,
      floor(random() * ${subjectCount})::integer AS s, floor(random() * ${groupCount})::integer AS g
    FROM generate_series(${first}, ${last}) n;
  ALTER TABLE event_${week} DROP CONSTRAINT event_${week}_identity;
  INSERT INTO event_${week} (seq, received_at, id, source, type, subject, time, data)
    SELECT n, time, md5(n::text), ${quote(eventSource)}, ${quote(eventType)}, s.subject, time, g.data
    FROM month_stage JOIN month_subject s USING (s) JOIN month_group g USING (g) ORDER BY n;
  ALTER TABLE event_${week} ADD CONSTRAINT event_${week}_identity UNIQUE (id, source);
  INSERT INTO rollup (series_id, bucket, count)
    SELECT detail, time - time % 60000, count(*) FROM month_stage JOIN month_series USING (s, g) GROUP BY 1, 2;
  INSERT INTO rollup (series_id, bucket, count)
    SELECT hourly, time - time % 3600000, count(*) FROM month_stage JOIN month_series USING (s, g) GROUP BY 1, 2;
  INSERT INTO rollup (series_id, bucket, count)
    SELECT (SELECT id FROM series WHERE level = 2), time - time % 3600000, count(*) FROM month_stage GROUP BY 1, 2;
  DROP TABLE month_stage;`;

/** A rollup's hour may lie on both sides of a change of week, so its parts are added up before the key returns. */
const finish = (events: number): string => `
  CREATE UNLOGGED TABLE month_twice AS SELECT series_id, bucket, sum(count)::bigint AS count FROM rollup
    GROUP BY 1, 2 HAVING count(*) > 1;
  DELETE FROM rollup r USING month_twice t WHERE r.series_id = t.series_id AND r.bucket = t.bucket;
  INSERT INTO rollup (series_id, bucket, count) SELECT * FROM month_twice;
  ALTER TABLE rollup ADD PRIMARY KEY (series_id, bucket);
  SELECT setval('event_batch', ${Math.ceil(events / batchStride) + 1});
  DROP TABLE month_twice, month_series, month_subject, month_group;`;

/** @param events how many in the 30 days before `to`, the database being migrated and defined */
export const loadMonth = async (database: Database, events: number, to: number): Promise<Month> => {
  const from = to - 30 * 86_400_000;
  await database.script(makeSeries);
  let next = 1;
  for (let week = weekOf(from); week <= weekOf(to); week += 1) {
    const start = Math.max(from, week * weekMs);
    const end = Math.min(to, (week + 1) * weekMs);
    const last = Math.min(events, Math.round(((end - from) / (to - from)) * events));
    await database.transaction((transaction) => createWeek(transaction, week, end));
    if (last >= next) await database.script(fillWeek(week, next, last, start, end));
    next = last + 1;
  }
  await database.script(finish(events));
  await database.script('VACUUM ANALYZE');
  return { events, from, to };
};

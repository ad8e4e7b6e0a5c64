/** The floor: the same rows by a bare INSERT .. SELECT unnest into one table with one unique index; no HTTP, no counting. */
import { openNodePostgres } from '../../control-plane/src/storage/postgres/node-postgres';
import {
  dataText,
  eventSource,
  eventType,
  methodAt,
  nextId,
  routeAt,
  subjectAt,
  subjectCount,
} from './sample-events';

export interface FloorOptions {
  url: string;
  rowsPerStatement: number;
  connections: number;
  seconds: number;
}

const tableStatement = `CREATE TABLE floor_event (seq bigint, received_at bigint, id text COLLATE "C", source text COLLATE "C",
  type text COLLATE "C", subject text COLLATE "C", time bigint, data text, UNIQUE (id, source))`;
const insertStatement = `INSERT INTO floor_event SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[],
  $5::text[], $6::text[], $7::bigint[], $8::text[]) ON CONFLICT DO NOTHING`;

/** Rows a second, each statement committed before the next of its connection is sent. */
export const measureFloor = async (options: FloorOptions): Promise<number> => {
  const database = openNodePostgres({
    connectionString: options.url,
    maximumConnections: options.connections,
  });
  const { arrays } = database;
  try {
    await database.script(`DROP TABLE IF EXISTS floor_event; ${tableStatement}`);
    let rows = 0;
    const insert = async () => {
      const numbers = Array.from({ length: options.rowsPerStatement }, (_, index) => rows + index);
      rows += options.rowsPerStatement;
      const now = Date.now();
      await database.query(insertStatement, [
        arrays.bigint(numbers),
        arrays.bigint(numbers.map(() => now)),
        arrays.text(numbers.map(nextId)),
        arrays.text(numbers.map(() => eventSource)),
        arrays.text(numbers.map(() => eventType)),
        arrays.text(numbers.map(() => subjectAt(Math.floor(Math.random() * subjectCount)))),
        arrays.bigint(numbers.map(() => now)),
        arrays.text(numbers.map((number) => dataText(methodAt(number), routeAt(number)))),
      ]);
    };
    await insert();
    rows = 0;
    const begin = performance.now();
    const end = begin + options.seconds * 1_000;
    const drive = async () => {
      while (performance.now() < end) await insert();
    };
    await Promise.all(Array.from({ length: options.connections }, drive));
    return rows / ((performance.now() - begin) / 1_000);
  } finally {
    await database.script('DROP TABLE IF EXISTS floor_event');
    await database.close();
  }
};

import type { ServerResponse } from 'node:http';
import type { MeterQuery, MeterQueryRow } from '../../metering';
import { csvLine } from '../../primitives/csv';
import { toQuantity } from '../../primitives/decimal';
import { toTimeText } from '../../primitives/time-text';

/**
 * The answer as JSON text. Values are written digit for digit: a JSON number may have more digits than a double holds,
 * and whoever reads it exactly gets all of them.
 */
export const meterQueryText = (query: MeterQuery, rows: readonly MeterQueryRow[]): string => {
  const head = {
    ...(query.from === undefined ? {} : { from: toTimeText(query.from) }),
    ...(query.to === undefined ? {} : { to: toTimeText(query.to) }),
    ...(query.windowSize === undefined ? {} : { windowSize: query.windowSize }),
  };
  const start = JSON.stringify(head).slice(0, -1);
  return `${start}${start.length > 1 ? ',' : ''}"data":[${rows.map(rowText).join(',')}]}`;
};

/** Written by hand, since an answer may have a hundred thousand rows; only what may need escaping is left to the library. */
const rowText = (row: MeterQueryRow): string => {
  const customer = row.customerId === undefined ? '' : `,"customerId":${JSON.stringify(row.customerId)}`;
  return (
    `{"value":${row.value},"windowStart":"${toTimeText(row.windowStart)}","windowEnd":"${toTimeText(row.windowEnd)}",` +
    `"subject":${JSON.stringify(row.subject)}${customer},"groupBy":${JSON.stringify(row.groups)}}`
  );
};

/** The answer as CSV; values have six decimals, as OpenMeter writes them. */
export const meterQueryCsv = (query: MeterQuery, rows: readonly MeterQueryRow[]): string => {
  const header = ['window_start', 'window_end', ...query.groupBy, 'value'];
  const lines = rows.map((row) => [
    toTimeText(row.windowStart),
    toTimeText(row.windowEnd),
    ...query.groupBy.map((key) => dimensionOf(row, key)),
    toQuantity(row.value).toFixed(6),
  ]);
  return [header, ...lines].map(csvLine).join('');
};

const dimensionOf = (row: MeterQueryRow, key: string): string => {
  if (key === 'subject') return row.subject ?? '';
  if (key === 'customer_id') return row.customerId ?? '';
  return row.groups[key] ?? '';
};

/** Sends the answer in the form that the Accept header asks for: JSON unless it names text/csv. */
export const sendMeterQuery = (
  response: ServerResponse,
  accept: string | undefined,
  slug: string,
  query: MeterQuery,
  rows: readonly MeterQueryRow[],
): void => {
  if (/(?:^|,)\s*text\/csv\b/i.test(accept ?? '')) {
    response.setHeader('Content-Type', 'text/csv; charset=utf-8');
    response.setHeader('Content-Disposition', `attachment; filename="${slug}.csv"`);
    response.end(meterQueryCsv(query, rows));
    return;
  }
  response.setHeader('Content-Type', 'application/json');
  response.end(meterQueryText(query, rows));
};

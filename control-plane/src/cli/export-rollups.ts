import { parse, stringify } from 'lossless-json';
import type { ApiClient } from '../client/api-client';
import { csvLine } from '../primitives/csv';
import { CommandFailure, exitStatus } from './exit-status';
import type { ExportOptions } from './export-events';
import { createProgressBar } from './progress-bar';
import { openResumable } from './resumable-file';
import type { Terminal } from './terminal';

export interface RollupOptions extends ExportOptions {
  meter: string;
  window: 'MINUTE' | 'HOUR' | 'DAY';
  groupBy: string[];
}

interface Row {
  windowStart: string;
  windowEnd: string;
  subject?: string | null;
  value: unknown;
  groupBy?: Record<string, string | null>;
}

const dayMs = 86_400_000;

/** `tollgate export rollups`: a meter's usage by window, a day of windows at a time; it resumes at the day where it stood. */
export const exportRollups = async (
  client: ApiClient,
  options: RollupOptions,
  terminal: Terminal,
): Promise<number> => {
  const [from, to] = boundsOf(options, terminal.now());
  const file = openResumable<{ from: number; count: number }>(options.out);
  const bar = createProgressBar(terminal);
  let { from: position, count } = file.resumed ?? { from, count: 0 };
  if (!file.resumed && options.format === 'csv') {
    file.append(csvLine(['windowStart', 'windowEnd', 'subject', ...options.groupBy, 'value']), {
      from: position,
      count,
    });
  }
  try {
    while (position < to) {
      const end = Math.min(position + dayMs, to);
      const rows = await readRows(client, options, position, end);
      count += rows.length;
      position = end;
      file.append(rows.map((row) => textOf(row, options)).join(''), { from: position, count });
      bar.show((position - from) / (to - from), `${count} rows`);
    }
    file.finish();
  } finally {
    bar.end();
    file.close();
  }
  terminal.error.write(`${count} rows in ${options.out}\n`);
  return exitStatus.done;
};

const boundsOf = ({ from, to }: RollupOptions, now: number): [number, number] => {
  if (from === undefined) throw new CommandFailure('rollups need --from', exitStatus.mistaken);
  const bounds: [number, number] = [Date.parse(from), to === undefined ? now : Date.parse(to)];
  // Windows are whole: the first begins and the last ends at a full minute.
  const minutes = bounds.map((bound) => Math.floor(bound / 60_000) * 60_000) as [number, number];
  if (!(minutes[0] < minutes[1])) {
    throw new CommandFailure('--from must be an instant before --to', exitStatus.mistaken);
  }
  return minutes;
};

const readRows = async (
  client: ApiClient,
  { meter, window, groupBy }: RollupOptions,
  from: number,
  to: number,
): Promise<Row[]> => {
  const query = new URLSearchParams({
    windowSize: window,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
  });
  for (const key of ['subject', ...groupBy]) query.append('groupBy', key);
  const response = await client.fetch(`/api/v1/meters/${encodeURIComponent(meter)}/query?${query}`);
  return (parse(await response.text()) as { data: Row[] }).data;
};

const textOf = (row: Row, { format, groupBy }: RollupOptions): string =>
  format === 'ndjson'
    ? `${stringify(row)}\n`
    : csvLine([
        row.windowStart,
        row.windowEnd,
        row.subject ?? '',
        ...groupBy.map((key) => row.groupBy?.[key] ?? ''),
        String(row.value),
      ]);

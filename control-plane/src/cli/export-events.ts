import { parse, stringify } from 'lossless-json';
import type { ApiClient } from '../client/api-client';
import { csvLine } from '../primitives/csv';
import { exitStatus } from './exit-status';
import { createProgressBar } from './progress-bar';
import { openResumable } from './resumable-file';
import type { Terminal } from './terminal';

export interface ExportOptions {
  out: string;
  format: 'ndjson' | 'csv';
  /** ISO 8601; everything stored unless given. */
  from?: string;
  /** ISO 8601, exclusive; now unless given. */
  to?: string;
}

interface Position {
  cursor: string;
  /** Events received after this instant belong to the next export: the list stays the same while it is read. */
  until: string;
  count: number;
}

interface ListedEvent {
  event: Record<string, unknown>;
  ingestedAt: string;
  customerId?: string;
}

const pageSize = 100;
const columns = ['id', 'source', 'type', 'subject', 'time', 'ingestedAt', 'customerId', 'data'];

/**
 * `tollgate export events`: stored events, the latest first, as CloudEvents a line or as CSV. Numbers keep every digit. An
 * interrupted export goes on where it stood when it is run again.
 */
export const exportEvents = async (
  client: ApiClient,
  options: ExportOptions,
  terminal: Terminal,
): Promise<number> => {
  const file = openResumable<Position>(options.out);
  const bar = createProgressBar(terminal);
  let { cursor, until, count } = file.resumed ?? {
    cursor: '',
    until: new Date(terminal.now()).toISOString(),
    count: 0,
  };
  if (file.resumed) terminal.error.write(`going on after ${count} events\n`);
  else if (options.format === 'csv') file.append(csvLine(columns), { cursor, until, count });
  try {
    do {
      const { items, nextCursor = '' } = await readPage(client, filterOf(options, until), cursor);
      count += items.length;
      cursor = nextCursor;
      file.append(items.map(options.format === 'csv' ? csvOf : lineOf).join(''), { cursor, until, count });
      bar.show(shareOf(options, items.at(-1), until), `${count} events`);
    } while (cursor !== '');
    file.finish();
  } finally {
    bar.end();
    file.close();
  }
  terminal.error.write(`${count} events in ${options.out}\n`);
  return exitStatus.done;
};

const filterOf = ({ from, to }: ExportOptions, until: string): string => {
  const instant = (text: string): string => new Date(text).toISOString();
  const time = {
    ...(from === undefined ? {} : { $gte: instant(from) }),
    ...(to === undefined ? {} : { $lt: instant(to) }),
  };
  return JSON.stringify({ ...(Object.keys(time).length > 0 ? { time } : {}), ingestedAt: { $lte: until } });
};

const readPage = async (
  client: ApiClient,
  filter: string,
  cursor: string,
): Promise<{ items: ListedEvent[]; nextCursor?: string }> => {
  const query = new URLSearchParams({ limit: String(pageSize), filter, ...(cursor ? { cursor } : {}) });
  const response = await client.fetch(`/api/v2/events?${query}`);
  return parse(await response.text()) as { items: ListedEvent[]; nextCursor?: string };
};

const lineOf = ({ event }: ListedEvent): string => `${stringify(event)}\n`;

const csvOf = ({ event, ingestedAt, customerId }: ListedEvent): string => {
  const text = (value: unknown): string => (typeof value === 'string' ? value : (stringify(value) ?? ''));
  const { id, source, type, subject, time, data } = event;
  return csvLine([
    ...[id, source, type, subject, time].map(text),
    ingestedAt,
    customerId,
    data === undefined || data === null ? '' : stringify(data),
  ]);
};

/** How far back in time the export has come; without a beginning nobody knows how far there is to go. */
const shareOf = ({ from }: ExportOptions, last: ListedEvent | undefined, until: string): number => {
  if (from === undefined || !last) return last ? 0 : 1;
  const end = Date.parse(until);
  return (end - Date.parse(String(last.event.time))) / (end - Date.parse(from));
};

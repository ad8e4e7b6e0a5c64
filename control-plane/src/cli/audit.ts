import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ApiClient } from '../client/api-client';
import { CommandFailure, exitStatus } from './exit-status';
import { parseCounters } from './kong-counters';
import type { Terminal } from './terminal';
import { table } from './token-commands';

export interface AuditOptions {
  /** Slug of a COUNT meter that counts requests. */
  meter: string;
  /** Where Kong's prometheus plugin is read, one a node. */
  metricsUrl: string[];
  /** File that keeps the counters of the last audit; without it everything since Kong's start is compared. */
  state?: string;
  /** Only requests answered with these statuses, such as 200-399. */
  codes?: string;
  /** Only answers of the upstream (`service`) or of Kong itself (`kong`). */
  source?: string;
}

interface Counters {
  at: number;
  byConsumer: Record<string, number>;
}

/** `tollgate audit`: metered requests against Kong's own counters, by consumer. 0 without drift, 1 with. */
export const audit = async (
  client: ApiClient,
  options: AuditOptions,
  terminal: Terminal,
): Promise<number> => {
  const now: Counters = { at: terminal.now(), byConsumer: await readCounters(options) };
  const before = readState(options.state);
  if (options.state !== undefined && before === undefined) {
    writeState(options.state, now);
    terminal.out.write(`${options.state} keeps the counters of now; audit again later to compare\n`);
    return exitStatus.done;
  }
  const metered = await readMetered(client, options.meter, before?.at, now.at);
  const rows = [['CONSUMER', 'GATEWAY', 'METERED', 'DRIFT']];
  let drift = 0;
  for (const consumer of [...new Set([...Object.keys(now.byConsumer), ...metered.keys()])].sort()) {
    const served = countSince(now, before, consumer);
    const counted = metered.get(consumer) ?? 0;
    drift += Math.abs(counted - served);
    rows.push([consumer, String(served), String(counted), String(counted - served)]);
  }
  terminal.out.write(table(rows));
  terminal.out.write(`drift: ${drift}\n`);
  if (options.state !== undefined) writeState(options.state, now);
  return drift === 0 ? exitStatus.done : exitStatus.failed;
};

/** A counter that went back began anew with a restart of Kong. */
const countSince = (now: Counters, before: Counters | undefined, consumer: string): number => {
  const current = now.byConsumer[consumer] ?? 0;
  const earlier = before?.byConsumer[consumer] ?? 0;
  return current >= earlier ? current - earlier : current;
};

const readCounters = async (options: AuditOptions): Promise<Record<string, number>> => {
  const isCounted = codeFilter(options.codes);
  const byConsumer: Record<string, number> = {};
  for (const url of options.metricsUrl) {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) }).catch((error: Error) => {
      throw new CommandFailure(`${url} does not answer: ${String(error.cause ?? error)}`);
    });
    if (!response.ok) throw new CommandFailure(`${url} answered ${response.status}`);
    for (const { labels, value } of parseCounters(await response.text())) {
      const { consumer, code = '', source = '' } = labels;
      if (!consumer || !isCounted(Number(code)) || (options.source && source !== options.source)) continue;
      byConsumer[consumer] = (byConsumer[consumer] ?? 0) + value;
    }
  }
  if (Object.keys(byConsumer).length === 0) {
    throw new CommandFailure(
      'Kong tells no counters by consumer: set per_consumer: true (status_code_metrics: true) in its prometheus plugin',
    );
  }
  return byConsumer;
};

const codeFilter = (codes: string | undefined): ((code: number) => boolean) => {
  if (codes === undefined) return () => true;
  const [, from, to] = /^(\d{3})(?:-(\d{3}))?$/.exec(codes) ?? [];
  if (!from) throw new CommandFailure('--codes must be a status or a range: 200-399', exitStatus.mistaken);
  return (code) => code >= Number(from) && code <= Number(to ?? from);
};

const readMetered = async (
  client: ApiClient,
  meter: string,
  from: number | undefined,
  to: number,
): Promise<Map<string, number>> => {
  const window =
    from === undefined ? '' : `&from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
  const { data } = await client.request<{ data: { subject: string | null; value: number }[] }>(
    'GET',
    `/api/v1/meters/${encodeURIComponent(meter)}/query?groupBy=subject${window}`,
  );
  return new Map(data.map(({ subject, value }) => [subject ?? '', value]));
};

const readState = (file: string | undefined): Counters | undefined => {
  if (file === undefined || !existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as Counters;
};

const writeState = (file: string, counters: Counters): void =>
  writeFileSync(file, `${JSON.stringify(counters, null, 2)}\n`);

import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type ApiClient, ApiError } from '../client/api-client';
import { CommandFailure, exitStatus } from './exit-status';
import { createProgressBar } from './progress-bar';
import type { Terminal } from './terminal';

const batchSize = 500;
/** Bytes of one batch, well below what the server takes. */
const batchBytes = 1 << 20;
/** Attempts at one batch while the server is overloaded or its database away, with pauses that double from a second. */
const maximumAttempts = 8;

interface Batch {
  /** Line number of its first event, from 1. */
  firstLine: number;
  lines: string[];
}

/**
 * `tollgate replay`: sends the events of an export (a CloudEvent a line) again. Those that are known already are counted
 * once, so an interrupted replay is simply run again.
 */
export const replay = async (client: ApiClient, file: string, terminal: Terminal): Promise<number> => {
  const bar = createProgressBar(terminal);
  const total = file === '-' ? 0 : sizeOf(file);
  const counts = { accepted: 0, duplicates: 0 };
  let bytes = 0;
  try {
    for await (const batch of batchesOf(file)) {
      const receipt = await send(client, file, batch);
      counts.accepted += receipt.accepted.length;
      counts.duplicates += receipt.duplicates.length;
      bytes += batch.lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
      bar.show(total === 0 ? 0 : bytes / total, `${counts.accepted + counts.duplicates} events`);
    }
  } finally {
    bar.end();
  }
  terminal.out.write(`${counts.accepted} new, ${counts.duplicates} known already\n`);
  return exitStatus.done;
};

const sizeOf = (file: string): number => {
  try {
    return statSync(file).size;
  } catch (error) {
    throw new CommandFailure(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      exitStatus.mistaken,
    );
  }
};

async function* batchesOf(file: string): AsyncGenerator<Batch> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  let batch: Batch = { firstLine: 1, lines: [] };
  let bytes = 0;
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() === '') continue;
    if (batch.lines.length >= batchSize || bytes + line.length > batchBytes) {
      yield batch;
      batch = { firstLine: number, lines: [] };
      bytes = 0;
    }
    if (batch.lines.length === 0) batch.firstLine = number;
    batch.lines.push(line);
    bytes += line.length;
  }
  if (batch.lines.length > 0) yield batch;
}

interface Receipt {
  accepted: unknown[];
  duplicates: unknown[];
}

/** The lines go out as they stand, so that numbers keep every digit. */
const send = async (client: ApiClient, file: string, { firstLine, lines }: Batch): Promise<Receipt> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await client.fetch('/api/v1/events', {
        method: 'POST',
        headers: {
          'content-type': 'application/cloudevents-batch+json',
          prefer: 'return=representation',
        },
        body: `[${lines.join(',')}]`,
      });
      return (await response.json()) as Receipt;
    } catch (error) {
      const isTemporary = error instanceof ApiError && (error.status === undefined || error.status === 503);
      if (!isTemporary || attempt >= maximumAttempts) {
        throw new CommandFailure(
          `${file}: lines ${firstLine} to ${firstLine + lines.length - 1}: ${(error as Error).message}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 2 ** (attempt - 1) * 1_000));
    }
  }
};

import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { parseCloudEvent, type Receipt, type UsageEvent } from '../../events';
import { type FieldError, Refusal } from '../../primitives/refusal';
import { authenticate, authorize, type TokenLookup } from '../authenticate';
import { invalidEvents } from '../cloudevents/invalid-events';
import { readBody } from '../read-body';
import type { FastHandler } from '../route';
import { type Unmetered, usageEventsOf } from './gateway-log';
import { readLogEntry } from './log-entry';
import { type IngestRules, readMeteringParameters } from './metering-parameters';

export interface HttpLogOptions {
  accept: (events: UsageEvent[]) => Promise<Receipt>;
  lookup: TokenLookup;
  now: () => number;
  /** Bytes of one body at most, unpacked. */
  bodyLimitBytes: number;
  /** Log entries in one request at most. */
  batchLimit: number;
  log: Logger;
}

/** What became of the entries of one request. */
interface Reading {
  events: UsageEvent[];
  unmetered: Partial<Record<Unmetered, number>>;
  rejected: FieldError[];
}

/** Rules by query string: a gateway sends the same one each time. */
const rememberedRules = 100;

/**
 * Takes what Kong's bundled http-log plugin posts: one log entry, or a JSON array of them. It answers 200 once the usage
 * is stored and counted.
 *
 * A bad entry among good ones does not refuse the batch: http-log sends a refused batch again as it is and then drops
 * all of it. The bad ones are listed in the answer and in the log; a request without a single good one is refused.
 */
export const createHttpLogHandler = (options: HttpLogOptions): FastHandler => {
  const remembered = new Map<string, IngestRules>();
  const rulesOf = (search: string): IngestRules => {
    const known = remembered.get(search);
    if (known) return known;
    const rules = readMeteringParameters(search);
    if (remembered.size >= rememberedRules) remembered.clear();
    remembered.set(search, rules);
    return rules;
  };

  return async (request) => {
    authorize(await authenticate(request, options.lookup), 'ingest');
    const rules = rulesOf(searchOf(request));
    const entries = parseEntries((await readBody(request, options.bodyLimitBytes)).toString('utf8'));
    if (entries.length > options.batchLimit) {
      throw new Refusal(
        'too_large',
        'batch_too_large',
        `a request has at most ${options.batchLimit} log entries, this one has ${entries.length}; lower queue.max_batch_size of http-log`,
      );
    }
    const { events, unmetered, rejected } = readEntries(entries, rules, options.now());
    if (rejected.length > 0) {
      const isAnyGood = events.length > 0 || Object.keys(unmetered).length > 0;
      if (!isAnyGood) throw invalidEvents(rejected);
      options.log.warn(
        { rejected: rejected.length, first: rejected[0] },
        'log entries that cannot be read were left out',
      );
    }
    const receipt = events.length > 0 ? await options.accept(events) : { duplicates: [] };
    return {
      status: 200,
      body: {
        accepted: events.length - receipt.duplicates.length,
        duplicates: receipt.duplicates.length,
        unmetered,
        rejected: rejected.slice(0, 100),
      },
    };
  };
};

const searchOf = (request: IncomingMessage): string => {
  const url = request.url ?? '';
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start + 1);
};

const parseEntries = (text: string): unknown[] => {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch (error) {
    throw new Refusal('invalid', 'malformed_json', `the body is not JSON: ${(error as Error).message}`);
  }
};

const readEntries = (entries: readonly unknown[], rules: IngestRules, now: number): Reading => {
  const reading: Reading = { events: [], unmetered: {}, rejected: [] };
  const reject = (index: number, field: string, message: string) =>
    reading.rejected.push({ code: 'invalid', field: `$[${index}]${field && `.${field}`}`, message });
  entries.forEach((value, index) => {
    const read = readLogEntry(value);
    if (!('entry' in read)) {
      reject(index, read.field, read.message);
      return;
    }
    const metered = usageEventsOf(read.entry, rules, { source: rules.source, now: () => now });
    if ('unmetered' in metered)
      reading.unmetered[metered.unmetered] = (reading.unmetered[metered.unmetered] ?? 0) + 1;
    for (const event of metered.events) {
      const parsed = parseCloudEvent(event, false, now);
      if ('event' in parsed) reading.events.push(parsed.event);
      else reject(index, parsed.invalid[0]!.field, parsed.invalid[0]!.message);
    }
  });
  return reading;
};

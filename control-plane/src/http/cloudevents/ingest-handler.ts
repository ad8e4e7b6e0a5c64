import type { IncomingMessage } from 'node:http';
import {
  type ExactJson,
  type InvalidField,
  parseCloudEvent,
  parseExactJson,
  type Receipt,
  type UsageEvent,
} from '../../events';
import { type FieldError, Refusal } from '../../primitives/refusal';
import { authenticate, authorize, type TokenLookup } from '../authenticate';
import { readBody } from '../read-body';
import type { FastHandler, Reply } from '../route';
import { binaryModeEvent, isBinaryMode } from './binary-mode';
import { invalidEvents } from './invalid-events';

export interface IngestOptions {
  accept: (events: UsageEvent[]) => Promise<Receipt>;
  lookup: TokenLookup;
  now: () => number;
  /** Bytes of one body at most, unpacked. */
  bodyLimitBytes: number;
  /** Events in one request at most. */
  batchLimit: number;
  /** Is told why a request with events was refused. */
  onRefused?: (refusal: Refusal) => void;
}

const eventTypes = new Set([
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
  'application/json',
]);

const mediaType = (request: IncomingMessage): string => {
  const given = request.headers['content-type'] ?? '';
  return eventTypes.has(given) ? given : given.split(';', 1)[0]!.trim().toLowerCase();
};

/**
 * Takes CloudEvents in structured, batched and binary mode (CloudEvents 1.0 HTTP Protocol Binding, section 3) and answers
 * `successStatus` once they are stored and counted. A request is atomic: one bad event refuses all of them, and the answer
 * names each bad one by its index.
 */
export const createIngestHandler =
  (options: IngestOptions, successStatus: 202 | 204): FastHandler =>
  async (request) => {
    authorize(await authenticate(request, options.lookup), 'ingest');
    const events = await readEvents(request, options);
    const receipt = await options.accept(events);
    return wantsRepresentation(request) ? receiptReply(events, receipt) : { status: successStatus };
  };

const readEvents = async (request: IncomingMessage, options: IngestOptions): Promise<UsageEvent[]> => {
  try {
    const body = await readBody(request, options.bodyLimitBytes);
    return isBinaryMode(request)
      ? [binaryModeEvent(request, body, options.now())]
      : parseEvents(mediaType(request), body.toString('utf8'), options);
  } catch (error) {
    if (error instanceof Refusal) options.onRefused?.(error);
    throw error;
  }
};

const parseEvents = (type: string, text: string, options: IngestOptions): UsageEvent[] => {
  if (!eventTypes.has(type)) {
    throw new Refusal(
      'invalid',
      'content_type',
      `Content-Type must be one of ${[...eventTypes].join(', ')}, not "${type.slice(0, 128)}"`,
      { fields: [{ code: 'enum', field: 'Content-Type', message: 'is not a media type of CloudEvents' }] },
    );
  }
  const json = parse(text);
  const isBatch = Array.isArray(json.value) && type !== 'application/cloudevents+json';
  if (type === 'application/cloudevents-batch+json' && !isBatch) {
    throw malformed('a batch is a JSON array of CloudEvents');
  }
  return parseList(isBatch ? (json.value as unknown[]) : [json.value], json, options, isBatch);
};

const parse = (text: string): ExactJson => {
  try {
    return parseExactJson(text);
  } catch (error) {
    throw malformed(`the body is not JSON: ${(error as Error).message}`);
  }
};

const malformed = (detail: string): Refusal => new Refusal('invalid', 'malformed_json', detail);

const parseList = (
  candidates: readonly unknown[],
  json: ExactJson,
  options: IngestOptions,
  isBatch: boolean,
): UsageEvent[] => {
  if (candidates.length > options.batchLimit) {
    throw new Refusal(
      'too_large',
      'batch_too_large',
      `a batch has at most ${options.batchLimit} events, this one has ${candidates.length}; send it in parts`,
    );
  }
  const now = options.now();
  const events: UsageEvent[] = [];
  const fields: FieldError[] = [];
  for (let index = 0; index < candidates.length; index += 1) {
    const parsed = parseCloudEvent(candidates[index], json.isExact, now);
    if ('event' in parsed) events.push(parsed.event);
    else for (const problem of parsed.invalid) fields.push(fieldError(problem, isBatch ? index : undefined));
  }
  if (fields.length > 0) throw invalidEvents(fields);
  return events;
};

const fieldError = ({ field, code, message }: InvalidField, index: number | undefined): FieldError => {
  const root = index === undefined ? '$' : `$[${index}]`;
  return { code, field: field === '' ? root : `${root}.${field}`, message };
};

const wantsRepresentation = ({ headers }: IncomingMessage): boolean =>
  headers.prefer !== undefined && /\breturn=representation\b/i.test(String(headers.prefer));

/** RFC 7240, section 4.2: the ids that were new and those that were known already. */
const receiptReply = (events: readonly UsageEvent[], receipt: Receipt): Reply => {
  const known = new Set(receipt.duplicates);
  const reference = ({ id, source }: UsageEvent) => ({ id, source });
  const body = {
    accepted: events.filter((_, position) => !known.has(position)).map(reference),
    duplicates: events.filter((_, position) => known.has(position)).map(reference),
    rejected: [],
  };
  return { status: 200, body, headers: { 'Preference-Applied': 'return=representation' } };
};

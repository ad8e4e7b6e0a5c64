import {
  type Attribute,
  consumerFields,
  isCredentialHeader,
  isReservedProperty,
  type MeteringRules,
  parseStatusRange,
  type StatusRange,
  type SubjectRule,
  subjectPlaces,
} from '../../../gateway-log/src';
import { FieldReader } from './field-reader';

export const fsyncPolicies = ['never', 'interval', 'always'] as const;
export type FsyncPolicy = (typeof fsyncPolicies)[number];

/** How events reach the ingest endpoint. Times in milliseconds, sizes in bytes. */
export interface DeliverySettings {
  readonly endpoint: string;
  readonly apiToken: string;
  readonly maxBatchSize: number;
  readonly maxRequestBytes: number;
  readonly maxCoalescingDelayMs: number;
  readonly compressAboveBytes: number;
  readonly concurrency: number;
  readonly initialRetryDelayMs: number;
  readonly maxRetryDelayMs: number;
  readonly warnAfterMs: number;
  readonly timeoutMs: number;
  readonly keepaliveMs: number;
  readonly verifiesTls: boolean;
}

/** Events that wait in memory because the journal cannot take them. */
export interface HoldingLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

export interface JournalSettings {
  /** Undefined: the plugin server's folder, or a folder of the system's temporary files. */
  readonly directory: string | undefined;
  readonly maxBytes: number;
  readonly segmentBytes: number;
  readonly fsync: FsyncPolicy;
  readonly fsyncIntervalMs: number;
}

export interface Configuration extends MeteringRules {
  /** CloudEvents `source`; undefined: `kong-gateway/<host name>`. */
  readonly source: string | undefined;
  readonly delivery: DeliverySettings;
  readonly holding: HoldingLimits;
  readonly journal: JournalSettings;
}

/**
 * Reads the configuration that Kong sends with StartInstance (field names and defaults of Kong's
 * `metering-and-billing`, and ours). Throws a ConfigurationError that names every field at fault.
 */
export function parseConfiguration(value: unknown): Configuration {
  const fields = FieldReader.of(value);
  const queue = fields.record('queue');
  const configuration: Configuration = {
    metersApiRequests: fields.boolean('meter_api_requests', true),
    metersAiTokenUsage: fields.boolean('meter_ai_token_usage', true),
    subject: readSubject(fields),
    attributes: fields.records('attributes', 64).map(readAttribute),
    countsOnlyUpstream: fields.oneOf('counted_source', ['upstream', 'any'], 'upstream') === 'upstream',
    countedStatuses: readStatuses(fields),
    source: fields.optionalString('source'),
    delivery: readDelivery(fields, queue),
    holding: {
      maxEntries: queue.number('max_entries', { default: 10_000, min: 1, max: 1_000_000, integer: true }),
      maxBytes: queue.number('max_bytes', { default: 64 * mebi, min: 1024, max: 4 * gibi, integer: true }),
    },
    journal: readJournal(fields.record('journal')),
  };
  fields.assertValid();
  return configuration;
}

const mebi = 1024 * 1024;
const gibi = 1024 * mebi;

function readDelivery(fields: FieldReader, queue: FieldReader): DeliverySettings {
  const seconds = { min: 0.001, max: 1_000_000 };
  const endpoint = readEndpoint(fields);
  return {
    endpoint,
    apiToken: readToken(fields),
    maxBatchSize: queue.number('max_batch_size', { default: 1000, min: 1, max: 1_000_000, integer: true }),
    maxRequestBytes: fields.number('max_request_bytes', {
      default: mebi,
      min: 16_384,
      max: 64 * mebi,
      integer: true,
    }),
    maxCoalescingDelayMs: 1000 * queue.number('max_coalescing_delay', { default: 1, min: 0, max: 3600 }),
    compressAboveBytes: readCompression(fields, endpoint),
    concurrency: readConcurrency(queue),
    initialRetryDelayMs: 1000 * queue.number('initial_retry_delay', { default: 0.01, ...seconds }),
    maxRetryDelayMs: 1000 * queue.number('max_retry_delay', { default: 60, ...seconds }),
    warnAfterMs: 1000 * queue.number('max_retry_time', { default: 60, min: 0, max: 1_000_000_000 }),
    timeoutMs: fields.number('timeout', { default: 10_000, min: 1, max: 3_600_000 }),
    keepaliveMs: fields.number('keepalive', { default: 60_000, min: 1, max: 3_600_000 }),
    verifiesTls: fields.boolean('ssl_verify', true),
  };
}

/** Kong's -1 means unlimited; ours is 8, since more requests at once only make each batch smaller. */
function readConcurrency(queue: FieldReader): number {
  const limit = queue.number('concurrency_limit', { default: 1, min: -1, max: 1, integer: true });
  if (limit === 0) queue.refuse('concurrency_limit', 'must be 1 or -1');
  return limit === -1 ? 8 : 1;
}

function readEndpoint(fields: FieldReader): string {
  const text = fields.requiredString('ingest_endpoint');
  if (text === '') return '';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    fields.refuse(
      'ingest_endpoint',
      'must be an http:// or https:// URL such as http://tollgate:8080/api/v1/events',
    );
    return '';
  }
  if (url.username !== '' || url.password !== '') {
    fields.refuse('ingest_endpoint', 'must not carry a user or password; put the token into api_token');
  }
  return url.href;
}

/** Compressing for a receiver on this machine costs both sides processor time and saves nothing. */
function readCompression(fields: FieldReader, endpoint: string): number {
  const isLocal = /^https?:\/\/(localhost|127\.[\d.]+|\[::1\])[:/]/.test(endpoint);
  const rule = { default: isLocal ? -1 : 65_536, min: -1, max: gibi, integer: true };
  return fields.number('compress_above_bytes', rule);
}

function readToken(fields: FieldReader): string {
  const token = fields.requiredString('api_token');
  if (/[^\x21-\x7e]/.test(token)) {
    fields.refuse('api_token', 'must be printable ASCII without spaces, as an HTTP header can carry it');
  }
  return token;
}

function readSubject(fields: FieldReader): SubjectRule {
  const subject = fields.record('subject');
  const place = subject.oneOf('look_up_value_in', subjectPlaces, 'consumer');
  if (place === 'consumer') {
    const named = subject.oneOf('field', consumerFields, 'username');
    return { in: place, field: fields.oneOf('consumer_field', consumerFields, named) };
  }
  if (place === 'application') return { in: place, field: subject.optionalString('field') ?? 'id' };
  const field = subject.requiredString('field');
  if (place === 'query') return { in: place, field };
  refuseCredential(subject, 'field', field);
  return { in: place, field: field.toLowerCase() };
}

function readAttribute(fields: FieldReader): Attribute {
  const source = fields.oneOf('source', ['header', 'query'], 'header');
  const name = fields.requiredString('look_up_value_in');
  const property = fields.requiredString('event_property_name');
  if (source === 'header') refuseCredential(fields, 'look_up_value_in', name);
  if (isReservedProperty(property)) {
    fields.refuse(
      'event_property_name',
      `'${property}' is a field that every event has; choose another name`,
    );
  }
  return { source, name: source === 'header' ? name.toLowerCase() : name, property };
}

function refuseCredential(fields: FieldReader, name: string, header: string): void {
  if (!isCredentialHeader(header)) return;
  fields.refuse(
    name,
    `'${header}' carries a credential, which must not leave the gateway; choose another header`,
  );
}

function readStatuses(fields: FieldReader): StatusRange[] {
  const ranges: StatusRange[] = [];
  fields.strings('counted_statuses', 64).forEach((text, index) => {
    const range = parseStatusRange(text);
    if (range) ranges.push(range);
    else
      fields.refuse(`counted_statuses[${index}]`, `must be a status such as 200 or a range such as 200-299`);
  });
  return ranges;
}

function readJournal(fields: FieldReader): JournalSettings {
  const settings = {
    directory: fields.optionalString('directory'),
    maxBytes: fields.number('max_bytes', { default: gibi, min: 65_536, max: 1024 * gibi, integer: true }),
    segmentBytes: fields.number('segment_bytes', { default: 16 * mebi, min: 4096, max: gibi, integer: true }),
    fsync: fields.oneOf('fsync', fsyncPolicies, 'interval'),
    fsyncIntervalMs: fields.number('fsync_interval', { default: 1000, min: 10, max: 3_600_000 }),
  };
  if (settings.directory !== undefined && !settings.directory.startsWith('/')) {
    fields.refuse('directory', 'must be an absolute path');
  }
  return settings;
}

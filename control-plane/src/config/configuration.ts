import { z } from 'zod';
import { parseDuration } from '../primitives/durations';

const integer = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);
const flag = z.stringbool();

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'must be an ISO 8601 duration such as PT1H or P30D');

/**
 * Every setting, once: its environment name, type, default and meaning. The documentation, `tollgate config --print` and
 * the start read this table and nothing else reads process.env.
 */
export const settings = {
  host: {
    env: 'TOLLGATE_HOST',
    schema: z.string().min(1),
    default: '127.0.0.1',
    doc: 'Address to listen on. 0.0.0.0 serves every interface.',
  },
  port: {
    env: 'TOLLGATE_PORT',
    schema: integer(0, 65_535),
    default: 8888,
    doc: 'Port to listen on; 0 takes a free one.',
  },
  databaseUrl: {
    env: 'DATABASE_URL',
    schema: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
      .optional(),
    default: undefined,
    doc: 'PostgreSQL to use (13 or newer). Without it an embedded Postgres keeps its data in dataDirectory.',
    isSecret: true,
  },
  databaseConnections: {
    env: 'TOLLGATE_DATABASE_CONNECTIONS',
    schema: integer(2, 200),
    default: 10,
    doc: 'Connections to PostgreSQL at most.',
  },
  redisUrl: {
    env: 'REDIS_URL',
    schema: z
      .string()
      .regex(
        /^rediss?:\/\/[^,\s]+(\s*,\s*rediss?:\/\/[^,\s]+)*$/,
        'must begin with redis:// or rediss://; several nodes of a cluster have commas between them',
      )
      .optional(),
    default: undefined,
    doc: 'Redis (6.2 or newer) in which replicas share rate limits; several addresses with commas between them for a cluster. Without it, or while it is away, each replica counts for itself.',
    isSecret: true,
  },
  dataDirectory: {
    env: 'TOLLGATE_DATA_DIRECTORY',
    schema: z.string().min(1),
    default: '.tollgate',
    doc: 'Folder of the embedded database and of the token made at the first start.',
  },
  configFile: {
    env: 'TOLLGATE_CONFIG',
    schema: z.string().min(1).optional(),
    default: undefined,
    doc: 'tollgate.yml to apply at start. Without it ./tollgate.yml is read where it exists.',
  },
  apiToken: {
    env: 'TOLLGATE_API_TOKEN',
    schema: z.string().min(16, 'must have at least 16 characters').optional(),
    default: undefined,
    doc: 'Token that may do everything. Without it one is made at the first start and kept in dataDirectory/token, mode 0600.',
    isSecret: true,
  },
  logLevel: {
    env: 'TOLLGATE_LOG_LEVEL',
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    default: 'info',
    doc: 'Least severe level that is logged.',
  },
  reveniumElements: {
    env: 'TOLLGATE_REVENIUM_ELEMENTS',
    schema: integer(0, 1_000),
    default: 200,
    doc: 'Keys of payloads to /meter/v2/events that become meters by themselves at most; an event with one more is refused.',
  },
  reveniumDimensions: {
    env: 'TOLLGATE_REVENIUM_DIMENSIONS',
    schema: integer(0, 24),
    default: 8,
    doc: 'Text keys of those payloads that become dimensions of the meters at most, the first ones seen; further ones are stored and not counted by. Each combination of values is a line of usage.',
  },
  dedupWindowDays: {
    env: 'TOLLGATE_DEDUP_WINDOW_DAYS',
    schema: integer(1, 3_650),
    default: 35,
    doc: 'For how many days a resend of an event is recognised.',
  },
  eventRetentionDays: {
    env: 'TOLLGATE_EVENT_RETENTION_DAYS',
    schema: integer(0, 36_500),
    default: 400,
    doc: 'For how many days raw events are kept at least, in whole weeks; 0 keeps them for ever. Usage is kept either way. Not below TOLLGATE_DEDUP_WINDOW_DAYS.',
  },
  ingestBodyLimitBytes: {
    env: 'TOLLGATE_INGEST_BODY_LIMIT_BYTES',
    schema: integer(1_024, 64 << 20),
    default: 4 << 20,
    doc: 'Bytes of one ingest body at most, unpacked.',
  },
  ingestBatchLimit: {
    env: 'TOLLGATE_INGEST_BATCH_LIMIT',
    schema: integer(1, 10_000),
    default: 5_000,
    doc: 'Events in one request at most.',
  },
  ingestQueueLimit: {
    env: 'TOLLGATE_INGEST_QUEUE_LIMIT',
    schema: integer(100, 1_000_000),
    default: 50_000,
    doc: 'Events that may wait for their transaction; further ones are answered 503 with Retry-After.',
  },
  rateLimitPerSecond: {
    env: 'TOLLGATE_RATE_LIMIT_PER_SECOND',
    schema: integer(0, 1_000_000),
    default: 10_000,
    doc: 'Requests a second that one token may send, twice as many at once after a rest; further ones are answered 429 with Retry-After. 0 sets no limit.',
  },
  bodyLimitBytes: {
    env: 'TOLLGATE_BODY_LIMIT_BYTES',
    schema: integer(1_024, 16 << 20),
    default: 1 << 20,
    doc: 'Bytes of any other body at most.',
  },
  maximumConnections: {
    env: 'TOLLGATE_MAXIMUM_CONNECTIONS',
    schema: integer(10, 1_000_000),
    default: 10_000,
    doc: 'Client connections that may be open; further ones are closed at once.',
  },
  allowPrivateWebhookDestinations: {
    env: 'TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS',
    schema: flag,
    default: false,
    doc: 'DANGER: lets webhooks go to loopback, link-local and private addresses, so whoever may create channels can reach your inner network.',
  },
  konnectWebhookSecret: {
    env: 'TOLLGATE_KONNECT_WEBHOOK_SECRET',
    schema: z.string().min(16, 'must have at least 16 characters').optional(),
    default: undefined,
    doc: 'Secret that notifications to /webhooks/konnect carry in the header X-Tollgate-Secret. Without it they are refused.',
    isSecret: true,
  },
  sweepIntervalSeconds: {
    env: 'TOLLGATE_SWEEP_INTERVAL_SECONDS',
    schema: integer(1, 86_400),
    default: 30,
    doc: 'How often observed access in Kong is compared with wanted access.',
  },
  accessLogRetentionDays: {
    env: 'TOLLGATE_ACCESS_LOG_RETENTION_DAYS',
    schema: integer(0, 36_500),
    default: 400,
    doc: 'Days that the log of access changes is kept; 0 keeps it for ever.',
  },
  billingCollectionPeriod: {
    env: 'TOLLGATE_BILLING_COLLECTION_PERIOD',
    schema: duration,
    default: 'PT1H',
    doc: 'How long after its period a draft invoice waits for late events (ISO 8601); later ones go onto the next.',
  },
  billingDraftPeriod: {
    env: 'TOLLGATE_BILLING_DRAFT_PERIOD',
    schema: duration,
    default: 'PT0S',
    doc: 'How long a draft invoice whose quantities are fixed can be looked at before it is issued (ISO 8601).',
  },
  billingDueAfter: {
    env: 'TOLLGATE_BILLING_DUE_AFTER',
    schema: duration,
    default: 'P30D',
    doc: 'How long after its issue an invoice is due (ISO 8601).',
  },
  otlpEndpoint: {
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    schema: z.url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:4318' }).optional(),
    default: undefined,
    doc: 'OpenTelemetry receiver (OTLP over HTTP with JSON) that traces are sent to. Without it there are none, and nothing of it is loaded.',
  },
  otlpHeaders: {
    env: 'OTEL_EXPORTER_OTLP_HEADERS',
    schema: z
      .string()
      .regex(/^[^=,]+=[^,]*(,[^=,]+=[^,]*)*$/, 'must be name=value,name=value')
      .optional(),
    default: undefined,
    doc: 'Headers of every export of traces: name=value,name=value, percent-encoded.',
    isSecret: true,
  },
  otlpServiceName: {
    env: 'OTEL_SERVICE_NAME',
    schema: z.string().min(1),
    default: 'tollgate',
    doc: 'Name under which traces are shown.',
  },
  traceSampleRatio: {
    env: 'OTEL_TRACES_SAMPLER_ARG',
    schema: z.coerce.number().min(0).max(1),
    default: 0.05,
    doc: 'Share of the traces that begin here, 0 to 1. Traces that callers began and sampled are always followed.',
  },
  drainSeconds: {
    env: 'TOLLGATE_DRAIN_SECONDS',
    schema: integer(0, 600),
    default: 0,
    doc: 'How long a stopping process goes on serving while /readyz answers 503: twice the interval at which the load balancer asks.',
  },
  shutdownSeconds: {
    env: 'TOLLGATE_SHUTDOWN_SECONDS',
    schema: integer(0, 600),
    default: 15,
    doc: 'How long a stopping process waits for requests and deliveries under way.',
  },
} as const satisfies Record<string, Setting>;

interface Setting {
  env: string;
  schema: z.ZodType;
  default: unknown;
  doc: string;
  isSecret?: boolean;
}

type Settings = typeof settings;
export type Configuration = { readonly [Key in keyof Settings]: z.output<Settings[Key]['schema']> };

/** All mistakes in the configuration together, each naming the variable and what it should be. */
export class ConfigurationError extends Error {
  readonly code = 'configuration_invalid';
  constructor(readonly mistakes: readonly string[]) {
    super(`the configuration is not valid:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`);
    this.name = 'ConfigurationError';
  }
}

/**
 * The configuration in force: the environment over the defaults.
 * @throws ConfigurationError with all mistakes
 */
export const readConfiguration = (
  environment: Readonly<Record<string, string | undefined>>,
): Configuration => {
  const mistakes: string[] = [];
  const entries = Object.entries(settings).map(([key, setting]: [string, Setting]) => {
    const text = environment[setting.env];
    if (text === undefined || text === '') return [key, setting.default];
    const result = setting.schema.safeParse(text);
    if (result.success) return [key, result.data];
    const shown = setting.isSecret ? '(secret)' : JSON.stringify(text.slice(0, 64));
    mistakes.push(`${setting.env}=${shown}: ${result.error.issues.map((issue) => issue.message).join('; ')}`);
    return [key, undefined];
  });
  const configuration = Object.fromEntries(entries) as Configuration;
  const { eventRetentionDays, dedupWindowDays } = configuration;
  if (eventRetentionDays !== 0 && eventRetentionDays < dedupWindowDays) {
    mistakes.push(
      `${settings.eventRetentionDays.env}=${eventRetentionDays}: must be 0 or at least ${settings.dedupWindowDays.env} (${dedupWindowDays}), or a resend of a dropped event would be counted again`,
    );
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes);
  return configuration;
};

import { parseConfiguration } from '../src/configuration/configuration';
import { schema } from '../src/configuration/schema';

const minimal = { ingest_endpoint: 'http://tollgate.test:8080/api/v1/events', api_token: 'token' };

const problemsOf = (value: unknown): string => {
  try {
    parseConfiguration(value);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
};

/** What Kong adds for fields that the user left out: the defaults of the schema, and null for the rest. */
function withKongDefaults(
  fields: readonly object[],
  given: Record<string, unknown>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...given };
  for (const [name, rule] of fields.flatMap((field) => Object.entries(field))) {
    const {
      default: byDefault,
      type,
      fields: nested,
    } = rule as { default?: unknown; type: string; fields?: object[] };
    if (type === 'record')
      result[name] = withKongDefaults(nested ?? [], (given[name] as Record<string, unknown>) ?? {});
    else result[name] ??= byDefault ?? null;
  }
  return result;
}

test('the defaults of the schema and of the plugin are the same', () => {
  expect(parseConfiguration(withKongDefaults(schema, minimal))).toEqual(parseConfiguration(minimal));
});

test('defaults are those of metering-and-billing, in milliseconds and bytes', () => {
  expect(parseConfiguration(minimal)).toMatchObject({
    metersApiRequests: true,
    metersAiTokenUsage: true,
    subject: { in: 'consumer', field: 'username' },
    attributes: [],
    countsOnlyUpstream: true,
    countedStatuses: [],
    delivery: {
      initialRetryDelayMs: 10,
      maxRetryDelayMs: 60_000,
      warnAfterMs: 60_000,
      timeoutMs: 10_000,
      keepaliveMs: 60_000,
      verifiesTls: true,
      concurrency: 1,
    },
    holding: { maxEntries: 10_000 },
    journal: { fsync: 'interval' },
  });
});

test.each([
  ['nothing at all', {}, 'config.ingest_endpoint is required; config.api_token is required'],
  [
    'a number for the endpoint',
    { ...minimal, ingest_endpoint: 7 },
    'config.ingest_endpoint must be a string that is not empty',
  ],
  [
    'a password in the endpoint',
    { ...minimal, ingest_endpoint: 'http://u:p@h/' },
    'config.ingest_endpoint must not carry a user or password; put the token into api_token',
  ],
  [
    'a token with a line break',
    { ...minimal, api_token: 'a\nb' },
    'config.api_token must be printable ASCII without spaces, as an HTTP header can carry it',
  ],
  ['a text for a number', { ...minimal, timeout: '10' }, 'config.timeout must be a number from 1 to 3600000'],
  [
    'an unknown place',
    { ...minimal, subject: { look_up_value_in: 'cookie' } },
    'config.subject.look_up_value_in must be one of consumer, application, header, query',
  ],
  [
    'a header without a name',
    { ...minimal, subject: { look_up_value_in: 'header' } },
    'config.subject.field is required',
  ],
  [
    'a credential as subject',
    { ...minimal, subject: { look_up_value_in: 'header', field: 'Authorization' } },
    "config.subject.field 'Authorization' carries a credential, which must not leave the gateway; choose another header",
  ],
  [
    'a credential as attribute',
    { ...minimal, attributes: [{ source: 'header', look_up_value_in: 'Cookie', event_property_name: 'c' }] },
    "config.attributes[0].look_up_value_in 'Cookie' carries a credential, which must not leave the gateway; choose another header",
  ],
  [
    'an attribute in place of a field',
    {
      ...minimal,
      attributes: [{ source: 'query', look_up_value_in: 'r', event_property_name: 'route_name' }],
    },
    "config.attributes[0].event_property_name 'route_name' is a field that every event has; choose another name",
  ],
  [
    'a wrong status',
    { ...minimal, counted_statuses: ['200', '2xx'] },
    'config.counted_statuses[1] must be a status such as 200 or a range such as 200-299',
  ],
  [
    'a concurrency of 0',
    { ...minimal, queue: { concurrency_limit: 0 } },
    'config.queue.concurrency_limit must be 1 or -1',
  ],
  [
    'a relative journal',
    { ...minimal, journal: { directory: 'journal' } },
    'config.journal.directory must be an absolute path',
  ],
  ['a text for a record', { ...minimal, queue: 'x' }, 'config.queue must be a record'],
])('%s is refused by name', (_, value, problem) => {
  expect(problemsOf(value)).toBe(`tollgate: invalid configuration: ${problem}`);
});

test('an error never repeats the token', () => {
  expect(problemsOf({ ingest_endpoint: 'x', api_token: 'secret token' })).not.toContain('secret');
});

test('what Kong adds to a configuration is passed over', () => {
  const added = { __key__: 'k', __seq__: 3, __plugin_id: 'p', __ws_id: 'w', service_id: 's', $refs: {} };
  expect(parseConfiguration({ ...minimal, ...added })).toEqual(parseConfiguration(minimal));
});

test('nothing is compressed for a receiver on this machine unless it is asked for', () => {
  const at = (ingest_endpoint: string, more = {}) =>
    parseConfiguration({ ...minimal, ingest_endpoint, ...more }).delivery.compressAboveBytes;
  expect(at('http://127.0.0.1:8080/e')).toBe(-1);
  expect(at('http://localhost:8080/e')).toBe(-1);
  expect(at('http://localhost.example.org/e')).toBe(65_536);
  expect(at('http://127.0.0.1:8080/e', { compress_above_bytes: 10 })).toBe(10);
});

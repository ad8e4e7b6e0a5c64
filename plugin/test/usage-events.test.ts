import { type Metered, parseSerializedRequest, usageEventsOf } from '../../gateway-log/src';
import { parseConfiguration } from '../src/configuration/configuration';
import { logEntry } from './support/log-entry';

const origin = { source: 'gateway-1', now: () => 0 };

function meter(config: object, changes: Record<string, unknown> = {}): Metered {
  const configuration = parseConfiguration({ ingest_endpoint: 'http://h/e', api_token: 't', ...config });
  return usageEventsOf(parseSerializedRequest(logEntry('r1', changes)), configuration, origin);
}

const subjectOf = (config: object, changes = {}) => meter(config, changes).events[0]?.subject;

test.each([
  ['username', {}, 'alice'],
  ['custom_id', { consumer_field: 'custom_id' }, 'cust-alice'],
  ['id', { consumer_field: 'id' }, 'b32379d9-3d28-5683-a79c-72139be6e34f'],
  ['consumer:<id>', { consumer_field: 'consumer:<id>' }, 'consumer:b32379d9-3d28-5683-a79c-72139be6e34f'],
  ["subject.field as in Kong's plugin", { subject: { field: 'custom_id' } }, 'cust-alice'],
  ['a header, whatever its case', { subject: { look_up_value_in: 'header', field: 'X-Tenant-Id' } }, 't-1'],
  ['a query parameter', { subject: { look_up_value_in: 'query', field: 'plan' } }, 'gold'],
])('the subject is the %s', (_, config, subject) => {
  expect(subjectOf(config)).toBe(subject);
});

test('the subject is the application of the developer portal', () => {
  const application_context = { application_id: 'a1', portal_id: 'p1' };
  const { events } = meter({ subject: { look_up_value_in: 'application' } }, { application_context });
  expect(events[0]).toMatchObject({
    subject: 'app:a1',
    data: { subject_type: 'application', application_id: 'a1', portal_id: 'p1' },
  });
});

test.each([
  ['nobody to bill', {}, { consumer: undefined }, 'no_subject'],
  [
    'a header that is absent',
    { subject: { look_up_value_in: 'header', field: 'x-other' } },
    {},
    'no_subject',
  ],
  ['an answer of Kong itself', {}, { source: 'kong', response: { status: 403 } }, 'not_from_upstream'],
  [
    'a status that does not count',
    { counted_statuses: ['200-299', '404'] },
    { response: { status: 500 } },
    'status_not_counted',
  ],
  ['no request id', {}, { request: { method: 'GET' } }, 'no_request_id'],
])('a request with %s makes no event, and the reason is told', (_, config, changes, unmetered) => {
  expect(meter(config, changes)).toEqual({ events: [], unmetered });
});

test('counted_source any counts what Kong answered itself, within counted_statuses', () => {
  const config = { counted_source: 'any', counted_statuses: ['200-299', '429'] };
  expect(meter(config, { source: 'kong', response: { status: 429 } }).events).toHaveLength(1);
  expect(meter(config, { source: 'kong', response: { status: 403 } }).events).toHaveLength(0);
});

test('attributes are copied from the headers and parameters that are named, and from no others', () => {
  const attributes = [
    { source: 'header', look_up_value_in: 'X-Tenant-Id', event_property_name: 'tenant' },
    { source: 'query', look_up_value_in: 'plan', event_property_name: 'plan' },
    { source: 'header', look_up_value_in: 'x-absent', event_property_name: 'absent' },
  ];
  const [event] = meter({ attributes }).events;
  expect(event?.data).toMatchObject({ tenant: 't-1', plan: 'gold' });
  expect(event?.data).not.toHaveProperty('absent');
  expect(JSON.stringify(event)).not.toContain('alice-key');
});

test('the query string does not leave the gateway with the path', () => {
  expect(meter({}).events[0]?.data.request_uri).toBe('/orders/1');
});

test('a language-model call makes one event for each direction', () => {
  const ai = {
    proxy: {
      meta: {
        plugin_id: 'ai-1',
        provider_name: 'openai',
        request_model: 'gpt-4o',
        response_model: 'gpt-4o-2024',
      },
      usage: { prompt_tokens: 12, completion_tokens: 30, total_tokens: 42 },
      cache: { cache_status: 'Miss' },
      payload: { request: 'what the user asked' },
    },
  };
  const { events } = meter({}, { ai });
  expect(events.map(({ id, type }) => [id, type])).toEqual([
    ['r1', 'kong.api_request'],
    ['r1:proxy:request', 'kong.llm_request'],
    ['r1:proxy:response', 'kong.llm_request'],
  ]);
  expect(events[1]?.data).toEqual({
    type: 'request',
    tokens: 12,
    model: 'gpt-4o-2024',
    provider: 'openai',
    ai_plugin_id: 'ai-1',
    ai_plugin_name: 'proxy',
    cache_status: 'Miss',
    http_status: 200,
    api_request_id: 'r1',
    route_id: '95a8204f-b0ca-5182-bfe2-54e7ada6bd2b',
    service_id: '580c8aca-d632-5804-b307-a24326e1e2d5',
  });
  expect(events[2]?.data).toMatchObject({ type: 'response', tokens: 30 });
  expect(JSON.stringify(events)).not.toContain('what the user asked');
});

test('each kind of event can be turned off', () => {
  const ai = { proxy: { usage: { prompt_tokens: 1, completion_tokens: 2 } } };
  const types = (config: object) => meter(config, { ai }).events.map(({ type }) => type);
  expect(types({ meter_api_requests: false })).toEqual(['kong.llm_request', 'kong.llm_request']);
  expect(types({ meter_ai_token_usage: false })).toEqual(['kong.api_request']);
});

test.each([
  ['a number', 7],
  ['broken JSON', '{"request":'],
  ['a list', '[]'],
])('a log entry that is %s is refused without being quoted', (_, text) => {
  expect(() => parseSerializedRequest(text)).toThrow(
    /^kong\.log\.serialize\(\) gave something that cannot be metered: /,
  );
});

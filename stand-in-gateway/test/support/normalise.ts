/** Fields whose values differ from run to run in a real Kong as well. */
const volatileFields: Readonly<Record<string, (value: unknown) => unknown>> = {
  created_at: () => 'time',
  updated_at: () => 'time',
  started_at: () => 'time',
  StartTime: () => 'time',
  node_id: () => 'node',
  pid: () => 'pid',
  request_id: () => 'request',
  'x-kong-request-id': () => 'request',
  date: () => 'date',
  balancer_start: () => 'time',
  balancer_start_ns: () => 'time',
  balancer_latency: () => 'duration',
  balancer_latency_ns: () => 'duration',
  'x-kong-proxy-latency': () => 'duration',
  'x-kong-upstream-latency': () => 'duration',
  'x-kong-response-latency': () => 'duration',
  'x-credential-identifier': () => 'credential',
  __seq__: () => 'sequence',
  allocated_slabs: () => 'size',
  http_allocated_gc: () => 'size',
};

const latencyFields = new Set(['proxy', 'request', 'receive', 'kong']);

/**
 * Replaces what differs between any two runs by a word, and nothing else. A latency becomes its sign, because -1
 * says that the request never went upstream.
 */
export function normalise(value: unknown, field = '', parent = ''): unknown {
  if (volatileFields[field]) return volatileFields[field](value);
  if (parent === 'server' && typeof value === 'number') return 'count';
  if (parent === 'latencies' && latencyFields.has(field)) return (value as number) < 0 ? 'none' : 'duration';
  if (field === 'id' && typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)) return 'request';
  if (Array.isArray(value)) return value.map((item) => normalise(item, '', field));
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(withoutLatencyDigits(value as Record<string, unknown>));
    return Object.fromEntries(entries.map(([key, item]) => [key, normalise(item, key, field)]));
  }
  return value;
}

/** The size of an answer counts the digits of the latencies in its headers, which are another number on each run. */
function withoutLatencyDigits(value: Record<string, unknown>): Record<string, unknown> {
  if (typeof value.size !== 'number' || typeof value.headers !== 'object') return value;
  const headers = Object.entries(value.headers as Record<string, string>);
  const latencies = headers.filter(([name]) => /^x-kong-.*-latency$/.test(name));
  return { ...value, size: value.size - latencies.reduce((digits, [, text]) => digits + text.length, 0) };
}

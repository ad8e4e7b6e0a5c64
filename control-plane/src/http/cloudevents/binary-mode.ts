import type { IncomingMessage } from 'node:http';
import { parseCloudEvent, parseExactJson, type UsageEvent } from '../../events';
import { Refusal } from '../../primitives/refusal';
import { invalidEvents } from './invalid-events';

/** CloudEvents 1.0 HTTP Protocol Binding, section 3.1: the attributes stand in `ce-` headers, the data is the body. */
export const isBinaryMode = (request: IncomingMessage): boolean =>
  request.headers['ce-specversion'] !== undefined;

/** Section 3.1.3.2: header values are percent-encoded. A broken encoding is taken as it stands. */
const decode = (value: string): string => {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
};

export const binaryModeEvent = (request: IncomingMessage, body: Buffer, now: number): UsageEvent => {
  const candidate: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith('ce-') && typeof value === 'string') candidate[name.slice(3)] = decode(value);
  }
  delete candidate.data;
  delete candidate.data_base64;
  if (request.headers['content-type'] !== undefined)
    candidate.datacontenttype = request.headers['content-type'];
  let isExact = false;
  if (body.length > 0) {
    try {
      const json = parseExactJson(body.toString('utf8'));
      candidate.data = json.value;
      isExact = json.isExact;
    } catch (error) {
      throw new Refusal('invalid', 'malformed_json', `the body is not JSON: ${(error as Error).message}`);
    }
  }
  const parsed = parseCloudEvent(candidate, isExact, now);
  if ('event' in parsed) return parsed.event;
  throw invalidEvents(
    parsed.invalid.map(({ field, code, message }) => ({
      code,
      field: field === 'data' || field === '' ? '$' : `ce-${field}`,
      message,
    })),
  );
};

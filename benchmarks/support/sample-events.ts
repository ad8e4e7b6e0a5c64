/** The events of the benches: gateway requests of about 400 bytes, spread over subjects, methods and routes. */
import { randomFillSync } from 'node:crypto';

export const subjectCount = 1_000;
export const eventType = 'kong.api_request';
const source = 'kong-gateway-node-1';
const methods = ['GET', 'POST', 'PUT', 'DELETE'];
const routes = ['orders-v1', 'public-v1', 'users-v2', 'items-v1', 'search-v1'];

export const subjectAt = (index: number, digits = 4): string =>
  `subject-${String(index).padStart(digits, '0')}`;
export const methodAt = (index: number): string => methods[index % methods.length]!;
export const routeAt = (index: number): string => routes[index % routes.length]!;
export const eventSource = source;

/** Characters of an id: Kong's request ids are 32 random hexadecimal digits, so index pages are met at random. */
export const idLength = 32;
export const timeLength = 24;

const drawn = Buffer.allocUnsafe(64 * 1024);
let digits: Buffer = Buffer.alloc(0);
let at = 0;

/** Where in {@link digits} the next random id begins. */
const draw = (): number => {
  if (at + idLength > digits.length) {
    digits = Buffer.from(randomFillSync(drawn).toString('hex'), 'latin1');
    at = 0;
  }
  at += idLength;
  return at - idLength;
};

/** A random id of {@link idLength} characters. */
export const nextId = (): string => {
  const from = draw();
  return digits.toString('latin1', from, from + idLength);
};

/** Writes such an id. */
export const writeNextId = (target: Buffer, offset: number): void => {
  const from = draw();
  digits.copy(target, offset, from, from + idLength);
};

export interface SampleEvent {
  id: string;
  time: string;
  subject: string;
  method: string;
  route: string;
}

export const dataText = (method: string, route: string): string =>
  `{"request_method":"${method}","route_name":"${route}","service_name":"orders","request_uri":"/orders/1?x=1",` +
  `"response_http_status":200,"request_size_bytes":127,"response_size_bytes":958,"client_ip":"127.0.0.1",` +
  `"user_agent":"curl/7.88.1","upstream_status":"200"}`;

export const eventText = ({ id, time, subject, method, route }: SampleEvent): string =>
  `{"specversion":"1.0","id":"${id}","source":"${source}","type":"${eventType}","subject":"${subject}",` +
  `"time":"${time}","data":${dataText(method, route)}}`;

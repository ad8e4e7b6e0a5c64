/** The load of the Stripe bench, forked: keep-alive sockets that send one meter event request after another. */
import { connect } from 'node:net';
import { nextId, subjectAt, subjectCount } from '../support/sample-events';

export interface StripeLoad {
  port: number;
  kind: 'stream' | 'v1';
  token: string;
  connections: number;
  seconds: number;
  warmUpSeconds: number;
}

export interface StripeLoadResult {
  requestsPerSecond: number;
  eventsPerSecond: number;
  failed: number;
  p50Ms: number;
  p99Ms: number;
}

const batch = 100;
const subject = (): string => subjectAt(Math.floor(Math.random() * subjectCount));

const bodyOf = (kind: StripeLoad['kind']): string => {
  if (kind === 'v1')
    return `event_name=kong.api_request&identifier=${nextId()}&payload[stripe_customer_id]=${subject()}&payload[value]=1`;
  const events = Array.from(
    { length: batch },
    () =>
      `{"event_name":"kong.api_request","identifier":"${nextId()}","payload":{"stripe_customer_id":"${subject()}","value":"1"}}`,
  );
  return `{"events":[${events.join(',')}]}`;
};

const requestOf = ({ port, kind, token }: StripeLoad): string => {
  const body = bodyOf(kind);
  const path = kind === 'v1' ? '/v1/billing/meter_events' : '/v2/billing/meter_event_stream';
  const type = kind === 'v1' ? 'application/x-www-form-urlencoded' : 'application/json';
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\n` +
    `Idempotency-Key: stripe-node-retry-${nextId()}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
};

/** Status of the first whole answer in `text` and the rest; undefined while it is incomplete. */
const answerIn = (text: string): { status: number; rest: string } | undefined => {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
  return text.length < length ? undefined : { status: Number(text.slice(9, 12)), rest: text.slice(length) };
};

const run = async (load: StripeLoad): Promise<StripeLoadResult> => {
  const latencies: number[] = [];
  let failed = 0;
  const begin = performance.now() + load.warmUpSeconds * 1_000;
  const end = begin + load.seconds * 1_000;
  const drive = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true });
      let text = '';
      let sentAt = 0;
      const send = (): void => {
        sentAt = performance.now();
        if (sentAt >= end) socket.destroy();
        else socket.write(requestOf(load));
      };
      socket.on('connect', send);
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        const answer = answerIn(text);
        if (!answer) return;
        text = answer.rest;
        const now = performance.now();
        if (answer.status !== 200) failed += 1;
        else if (sentAt >= begin && now <= end) latencies.push(now - sentAt);
        send();
      });
      socket.on('error', () => {
        failed += 1;
      });
      socket.on('close', () => resolve());
    });
  await Promise.all(Array.from({ length: load.connections }, drive));
  latencies.sort((a, b) => a - b);
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const requestsPerSecond = latencies.length / load.seconds;
  return {
    requestsPerSecond,
    eventsPerSecond: requestsPerSecond * (load.kind === 'v1' ? 1 : batch),
    failed,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
};

process.once('message', (load) => {
  run(load as StripeLoad).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: Error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exit(1);
    },
  );
});

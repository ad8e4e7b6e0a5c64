import { Agent, request } from 'node:http';
import type { FuzzRequest } from './build-request';

export interface FuzzAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** At most {@link keptBytes} of it. */
  text: string;
}

const keptBytes = 1 << 20;
/** No request may take longer, milliseconds. */
const limitMs = 30_000;

/** Sends raw requests over kept connections. @throws Error when there is no answer in time or the connection breaks */
export const createSender = (baseUrl: string, connections: number) => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(baseUrl);
  const send = ({ method, path, headers, body }: FuzzRequest): Promise<FuzzAnswer> =>
    new Promise((resolve, reject) => {
      const length: Record<string, string> = body ? { 'content-length': String(body.length) } : {};
      const sent = request(
        { agent, hostname, port, method, path, headers: { ...headers, ...length } },
        (response) => {
          const status = response.statusCode ?? 0;
          const chunks: Buffer[] = [];
          let kept = 0;
          const end = (): void => {
            clearTimeout(limit);
            resolve({ status, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') });
          };
          // A stream has no end; that it began is its answer.
          if (response.headers['content-type']?.startsWith('text/event-stream')) {
            end();
            response.destroy();
            return;
          }
          response.on('data', (chunk: Buffer) => {
            if (kept < keptBytes) chunks.push(chunk);
            kept += chunk.length;
          });
          response.once('end', end);
          response.once('error', reject);
        },
      );
      const limit = setTimeout(() => sent.destroy(new Error(`no answer within ${limitMs} ms`)), limitMs);
      sent.once('error', (error) => {
        clearTimeout(limit);
        reject(error);
      });
      sent.end(body);
    });
  return { send, close: () => agent.destroy() };
};

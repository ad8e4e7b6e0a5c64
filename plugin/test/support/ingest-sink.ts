import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface SinkRequest {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly events: readonly Record<string, unknown>[];
}

export interface SinkAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** An ingest endpoint that counts by (source, id) as the control plane does, and can be told to fail. */
export class IngestSink {
  readonly requests: SinkRequest[] = [];
  /** How often each "source\nid" was taken. */
  readonly taken = new Map<string, number>();
  /** What to answer; undefined takes the batch with 204. */
  respond: (request: SinkRequest) => SinkAnswer | undefined = () => undefined;
  keepsRequests = true;
  private server: Server | undefined;
  private port = 0;

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}/api/v1/events`;
  }

  get ids(): string[] {
    return [...this.taken.keys()].map((key) => key.split('\n')[1] as string).sort();
  }

  /** Listens on a free port, and on the same one again after `stop`. */
  start(): Promise<this> {
    const server = createServer((request, response) => void this.serve(request, response));
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', () => {
        this.port = (server.address() as AddressInfo).port;
        resolve(this);
      });
    });
  }

  /** As a crash looks from outside: every connection is cut. */
  stop(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    return new Promise((resolve) => {
      if (!server) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const raw = Buffer.concat(chunks);
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString('utf8');
    const received = {
      headers: request.headers,
      body,
      events: JSON.parse(body) as Record<string, unknown>[],
    };
    if (this.keepsRequests) this.requests.push(received);
    const answer = this.respond(received) ?? { status: 204 };
    if (answer.status < 300) {
      for (const { source, id } of received.events) {
        const key = `${source}\n${id}`;
        this.taken.set(key, (this.taken.get(key) ?? 0) + 1);
      }
    }
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }
}

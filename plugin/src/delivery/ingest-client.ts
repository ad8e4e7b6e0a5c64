import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Pool } from 'undici';
import type { DeliverySettings } from '../configuration/configuration';
import type { Answer } from './answer';

const compress = promisify(gzip);
const maxAnswerBytes = 1024 * 1024;

/** Sends batches to one ingest endpoint over connections that are kept open. */
export class IngestClient {
  private readonly pool: Pool;
  private readonly path: string;
  private acceptsGzip = true;

  constructor(private readonly settings: DeliverySettings) {
    const url = new URL(settings.endpoint);
    this.path = `${url.pathname}${url.search}`;
    this.pool = new Pool(url.origin, {
      connections: settings.concurrency,
      keepAliveTimeout: settings.keepaliveMs,
      headersTimeout: settings.timeoutMs,
      bodyTimeout: settings.timeoutMs,
      connect: { rejectUnauthorized: settings.verifiesTls, timeout: settings.timeoutMs },
    });
  }

  /** Posts JSON events as one CloudEvents batch. Rejects when no answer came (connection, timeout). */
  async send(events: readonly Buffer[]): Promise<Answer> {
    const batch = batchBody(events);
    const { compressAboveBytes } = this.settings;
    const isCompressed = this.acceptsGzip && compressAboveBytes >= 0 && batch.length > compressAboveBytes;
    const { statusCode, headers, body } = await this.pool.request({
      method: 'POST',
      path: this.path,
      headers: {
        'content-type': 'application/cloudevents-batch+json',
        authorization: `Bearer ${this.settings.apiToken}`,
        ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
      },
      body: isCompressed ? await compress(batch, { level: 1 }) : batch,
    });
    const retryAfter = headers['retry-after'];
    return {
      status: statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      body: await readBounded(body),
    };
  }

  /** The endpoint does not take gzip: from now on it gets plain JSON. Says whether that changes anything. */
  stopCompressing(): boolean {
    const changes = this.acceptsGzip;
    this.acceptsGzip = false;
    return changes;
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}

function batchBody(events: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [open];
  events.forEach((event, index) => {
    if (index > 0) parts.push(comma);
    parts.push(event);
  });
  parts.push(close);
  return Buffer.concat(parts);
}

const open = Buffer.from('[');
const comma = Buffer.from(',');
const close = Buffer.from(']');

async function readBounded(body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxAnswerBytes) {
      body.destroy();
      break;
    }
  }
  return Buffer.concat(chunks).toString('utf8', 0, maxAnswerBytes);
}

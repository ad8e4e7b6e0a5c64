import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { Refusal } from '../primitives/refusal';

const tooLarge = (limitBytes: number): Refusal =>
  new Refusal(
    'too_large',
    'body_too_large',
    `the body is larger than ${limitBytes} bytes; send it in smaller parts`,
  );

/**
 * Reads a whole body, unpacking gzip; the limit holds for the unpacked size as well.
 * @throws Refusal `body_too_large`, `content_encoding`, or `body_aborted` when the client goes away
 */
export const readBody = (request: IncomingMessage, limitBytes: number): Promise<Buffer> => {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes)
    return Promise.reject(tooLarge(limitBytes));
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    return Promise.reject(
      new Refusal('invalid', 'content_encoding', 'Content-Encoding must be gzip or absent'),
    );
  }
  const stream = encoding === 'gzip' ? request.pipe(createGunzip()) : request;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limitBytes) {
        stream.removeAllListeners('data');
        request.unpipe();
        request.resume();
        reject(tooLarge(limitBytes));
        return;
      }
      chunks.push(chunk);
    });
    stream.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    stream.on('error', () =>
      reject(new Refusal('invalid', 'body_unreadable', 'the body is not valid gzip or broke off')),
    );
    request.on('aborted', () =>
      reject(new Refusal('invalid', 'body_aborted', 'the client closed the connection')),
    );
  });
};

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../primitives/clock';
import { invalid } from '../../primitives/refusal';
import type { Database } from '../../storage';
import { answersKeptMs } from '../../stripe/error-reports';
import { claimKey, keepAnswer, releaseKey } from '../../stripe/idempotency-store';
import { json, type Reply } from '../route';
import { stripeRefusal } from './stripe-error';

/** Longer than any request takes: a claim this old was left by a process that died. */
const abandonedMs = 90_000;
/** Characters of a key at most (Stripe's API reference, idempotent requests). */
const keyLimit = 255;

export const hashText = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** The request's Idempotency-Key. @throws Refusal `idempotency_key` when it is too long */
export const idempotencyKeyOf = (request: IncomingMessage): string | undefined => {
  const given = request.headers['idempotency-key'];
  if (typeof given !== 'string' || given === '') return undefined;
  if (given.length > keyLimit)
    throw invalid('idempotency_key', `The Idempotency-Key must have at most ${keyLimit} characters.`);
  return given;
};

/** The key was used for another request. */
export const keyMisused = () =>
  stripeRefusal(
    'invalid',
    'Keys for idempotent requests can only be used with the same parameters they were first used with.',
    { type: 'idempotency_error' },
  );

const keyInUse = () =>
  stripeRefusal('conflict', 'Another request with this Idempotency-Key is under way.', {
    code: 'idempotency_key_in_use',
    status: 409,
  });

/**
 * Runs a request once a key: its retry gets the answer that was given first. Answers are kept for a day; a refusal keeps
 * nothing, so that the request can be corrected and sent again.
 */
export const createIdempotency =
  (database: Database, clock: Clock) =>
  async (
    { request, body }: { request: IncomingMessage; body: unknown },
    work: () => Promise<unknown>,
  ): Promise<Reply> => {
    const key = idempotencyKeyOf(request);
    if (key === undefined) return json(200, await work());
    const keyHash = hashText(key);
    const fingerprint = hashText(`${request.method} ${request.url} ${JSON.stringify(body ?? null)}`);
    const now = clock.now();
    const kept = await claimKey(database, keyHash, fingerprint, now, {
      abandonedBefore: now - abandonedMs,
      forgottenBefore: now - answersKeptMs,
    });
    if (kept) {
      if (kept.fingerprint !== fingerprint) throw keyMisused();
      if (kept.answer === null) throw keyInUse();
      return json(kept.status!, JSON.parse(kept.answer), { 'Idempotent-Replayed': 'true' });
    }
    try {
      const answer = await work();
      await keepAnswer(database, keyHash, 200, JSON.stringify(answer));
      return json(200, answer);
    } catch (error) {
      await releaseKey(database, keyHash);
      throw error;
    }
  };

export type Idempotently = ReturnType<typeof createIdempotency>;

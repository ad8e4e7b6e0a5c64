import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { Refusal } from '../primitives/refusal';
import type { Database } from '../storage';
import { deleteEndedSessions, findSession, insertSession, type Session } from './session-store';

/** How long a session lives (Stripe's API reference, meter event session). */
export const sessionMs = 15 * 60_000;
/** For how long an ended session is told from one that never was. */
const rememberEndedMs = 86_400_000;
/** Sessions at a time: a client makes one in 15 minutes, so many more are a client that makes one a request. */
const sessionLimit = 10_000;
/** How long another replica's revocation of the API token may stay unseen. */
const freshMs = 2_000;
/** Hashes remembered at most, unknown ones among them. */
const rememberedLimit = 10_000;

export interface SessionsOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
}

/** Sessions of the meter event stream: short-lived tokens that may send events and nothing else, known to every replica. */
export const createSessions = ({ database, clock, newId }: SessionsOptions) => {
  const remembered = new Map<string, { session: Promise<Session | undefined>; until: number }>();

  const look = (hash: string, now: number): Promise<Session | undefined> => {
    const session = findSession(database, hash, now);
    if (remembered.size >= rememberedLimit) remembered.delete(remembered.keys().next().value!);
    remembered.delete(hash);
    remembered.set(hash, { session, until: now + freshMs });
    session.catch(() => remembered.delete(hash));
    return session;
  };

  return {
    /**
     * Makes a session; its token is returned here and never again.
     * @throws Refusal `rate_limited` when there are too many
     */
    create: async (apiTokenId: string): Promise<{ session: Session; token: string }> => {
      const now = clock.now();
      const token = `mes_${randomBytes(32).toString('base64url')}`;
      const session: Session = {
        id: newId(),
        apiTokenId,
        createdAt: now,
        expiresAt: now + sessionMs,
        isRevoked: false,
      };
      await deleteEndedSessions(database, now - rememberEndedMs);
      const hash = createHash('sha256').update(token).digest('hex');
      if (!(await insertSession(database, session, hash, sessionLimit, now)))
        throw new Refusal(
          'rate_limited',
          'too_many_sessions',
          `there are ${sessionLimit} sessions; use one for its 15 minutes instead of making one a request`,
          { retryAfterSeconds: 60 },
        );
      return { session, token };
    },

    /** The session whose token has this SHA-256: the caller looks whether it has expired. Undefined for one that never was, or whose API token ended. */
    find: async (hash: Buffer): Promise<Session | undefined> => {
      const key = hash.toString('hex');
      const now = clock.now();
      const known = remembered.get(key);
      const session = await (known && known.until > now ? known.session : look(key, now));
      return session?.isRevoked ? undefined : session;
    },
  };
};

export type Sessions = ReturnType<typeof createSessions>;

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { conflict, notFound } from '../primitives/refusal';
import type { Database } from '../storage';
import { type ApiToken, newTokenText, type Scope } from './api-token';
import { countTokens, findTokenByHash, insertToken, listTokens, recordUse, revokeToken } from './token-store';

/** For how long another replica may still accept a revoked token. */
export const revocationDelayMs = 2_000;
/** Hashes remembered at most, known and unknown ones together: a flood of wrong tokens must not fill the memory. */
const maximumRemembered = 10_000;
/** Tokens in force at most: a script that makes one at every run is told so instead of filling the table. */
const maximumTokens = 1_000;
/** How often the times of last use are written. */
const writeUseEveryMs = 30_000;

interface Remembered {
  token: Promise<ApiToken | undefined>;
  until: number;
}

export interface TokenRegistryOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  /** A failure to write times of last use: it costs accuracy, never a request. */
  onError: (error: unknown) => void;
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/**
 * The tokens of the HTTP API. Lookups are remembered for two seconds, so a revocation is seen at once here and within two
 * seconds by other replicas, while a busy token costs one query in that time.
 */
export const createTokenRegistry = ({ database, clock, newId, onError }: TokenRegistryOptions) => {
  const remembered = new Map<string, Remembered>();
  let used = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  const remember = (hash: string): Promise<ApiToken | undefined> => {
    const token = findTokenByHash(database, hash).then((found) =>
      found && timingSafeEqual(Buffer.from(found.hash, 'hex'), Buffer.from(hash, 'hex'))
        ? found.token
        : undefined,
    );
    const entry = { token, until: clock.now() + revocationDelayMs };
    // The oldest entry stands first; it goes when the room is used up.
    if (remembered.size >= maximumRemembered) remembered.delete(remembered.keys().next().value!);
    remembered.delete(hash);
    remembered.set(hash, entry);
    token.catch(() => {
      if (remembered.get(hash) === entry) remembered.delete(hash);
    });
    return token;
  };

  /** The token in force with this SHA-256; undefined for one that is unknown, expired or revoked. */
  const find = async (hash: Buffer): Promise<ApiToken | undefined> => {
    const key = hash.toString('hex');
    const known = remembered.get(key);
    const now = clock.now();
    const token = await (known && known.until > now ? known.token : remember(key));
    if (!token || (token.expiresAt !== null && token.expiresAt <= now)) return undefined;
    used.set(token.id, now);
    return token;
  };

  /** Makes a token; its text is returned here and never again. */
  const create = async (given: {
    name: string;
    scopes: readonly Scope[];
    expiresAt: number | null;
    createdBy: string;
  }): Promise<{ token: ApiToken; text: string }> => {
    const now = clock.now();
    if ((await countTokens(database, now)) >= maximumTokens) {
      throw conflict('too_many_tokens', `there are ${maximumTokens} tokens in force; revoke some first`);
    }
    const text = newTokenText();
    const token: ApiToken = {
      ...given,
      id: newId(),
      scopes: [...new Set(given.scopes)],
      createdAt: now,
      lastUsedAt: null,
      revokedAt: null,
    };
    await insertToken(database, token, sha256(text));
    return { token, text };
  };

  const list = (page: { after: string; limit: number }): Promise<ApiToken[]> =>
    listTokens(database, { now: clock.now(), ...page });

  /** @throws Refusal not found */
  const revoke = async (id: string): Promise<void> => {
    const hash = await revokeToken(database, id, clock.now());
    if (hash === undefined) throw notFound('token', id);
    remembered.delete(hash);
  };

  const writeUse = async (): Promise<void> => {
    if (used.size === 0) return;
    const toWrite = used;
    used = new Map();
    await recordUse(database, toWrite).catch(onError);
  };

  return {
    find,
    create,
    list,
    revoke,
    /** Writes the times of last use now. */
    writeUse,
    start: (): void => {
      timer = setInterval(() => void writeUse(), writeUseEveryMs);
      timer.unref();
    },
    stop: async (): Promise<void> => {
      clearInterval(timer);
      await writeUse();
    },
  };
};

export type TokenRegistry = ReturnType<typeof createTokenRegistry>;

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Refusal } from '../primitives/refusal';
import type { Scope } from '../tokens/api-token';
import type { TokenRegistry } from '../tokens/token-registry';

export interface Identity {
  /** The token's id; never the token. */
  tokenId: string;
  scopes: readonly Scope[];
  /** Set for a customer's portal token: the only subject it may see. */
  portal?: { subject: string; meterSlugs: readonly string[] | null; expiresAt: number };
}

export const anonymous: Identity = { tokenId: 'anonymous', scopes: [] };

/** Looks a token up by its SHA-256; undefined for one that is unknown, expired or revoked. */
export type TokenLookup = (hash: Buffer) => Promise<Identity | undefined>;

export const hashToken = (token: string): Buffer => createHash('sha256').update(token, 'utf8').digest();

const bearer = /^Bearer +([\x21-\x7e]{1,512}) *$/i;

const bearerToken = (request: IncomingMessage): string | undefined =>
  bearer.exec(request.headers.authorization ?? '')?.[1];

const headerToken = (request: IncomingMessage, header: string): string | undefined => {
  const value = request.headers[header];
  return typeof value === 'string' && /^[\x21-\x7e]{1,512}$/.test(value) ? value : undefined;
};

/**
 * The Authorization header that a connection sent last, and the hash of its token: it mostly sends the same one again. Kept
 * by connection, so that how long the comparison takes tells nobody about the token of another.
 */
const lastTokens = new WeakMap<Socket, { authorization: string; hash: Buffer }>();

const hashOfBearer = (request: IncomingMessage): Buffer | undefined => {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  const last = lastTokens.get(request.socket);
  if (last?.authorization === authorization) return last.hash;
  const token = bearerToken(request);
  if (token === undefined) return undefined;
  const hash = hashToken(token);
  lastTokens.set(request.socket, { authorization, hash });
  return hash;
};

const hashOfHeader = (request: IncomingMessage, header: string): Buffer | undefined => {
  const token = headerToken(request, header);
  return token === undefined ? undefined : hashToken(token);
};

const refuse = (detail: string): Refusal => new Refusal('unauthenticated', 'unauthenticated', detail);

/**
 * Who sends the request. Tokens are compared as hashes in constant time, and an answer never says which part was wrong.
 * @throws Refusal `unauthenticated`
 */
export const authenticate = async (
  request: IncomingMessage,
  lookup: TokenLookup,
  /** A header in which the interface carries its tokens; the bearer token is taken there as well. */
  header?: string,
): Promise<Identity> => {
  const hash = hashOfBearer(request) ?? (header === undefined ? undefined : hashOfHeader(request, header));
  if (!hash)
    throw refuse(
      `send the header "${header === undefined ? 'Authorization: Bearer' : `${header}:`} <token>"`,
    );
  const identity = await lookup(hash);
  if (!identity) throw refuse('the token is unknown, expired or revoked');
  return identity;
};

/** @throws Refusal `forbidden` naming the missing scope */
export const authorize = (identity: Identity, scope: Scope): void => {
  if (identity.scopes.includes(scope) || identity.scopes.includes('manage')) return;
  throw new Refusal('forbidden', 'scope_missing', `this token lacks the scope "${scope}"`);
};

/** A lookup for the one token that comes from the environment or the token file; it may do everything. */
export const singleToken = (token: string, next: TokenLookup = async () => undefined): TokenLookup => {
  const expected = hashToken(token);
  const identity: Identity = { tokenId: 'bootstrap', scopes: ['ingest', 'read', 'manage'] };
  return async (hash) => (timingSafeEqual(hash, expected) ? identity : next(hash));
};

/** A lookup among the tokens that the API made. */
export const registeredTokens =
  (tokens: Pick<TokenRegistry, 'find'>): TokenLookup =>
  async (hash) => {
    const token = await tokens.find(hash);
    return token && { tokenId: token.id, scopes: token.scopes };
  };

/** What a portal token may do: read the usage of its subject. */
export const portalIdentity = (token: {
  id: string;
  subject: string;
  meterSlugs: readonly string[] | null;
  expiresAt: number;
}): Identity => ({
  tokenId: token.id,
  scopes: [],
  portal: { subject: token.subject, meterSlugs: token.meterSlugs, expiresAt: token.expiresAt },
});

/** What judges requests by the token they carry; the seconds to wait, or undefined when the request may go on. */
export type RequestLimit = (tokenId: string) => number | undefined;

/** @throws Refusal `rate_limited` when the token has sent more requests than it may */
export const assertWithinLimit = ({ tokenId }: Identity, limit: RequestLimit): void => {
  const retryAfterSeconds = limit(tokenId);
  if (retryAfterSeconds === undefined) return;
  throw new Refusal(
    'rate_limited',
    'rate_limited',
    `this token sends more requests than it may; wait ${retryAfterSeconds} s, or put more events into one request`,
    { retryAfterSeconds },
  );
};

const withinLimit = (identity: Identity | undefined, limit: RequestLimit): Identity | undefined => {
  if (identity) assertWithinLimit(identity, limit);
  return identity;
};

/**
 * The same lookup for tokens that send no more than they may: every interface that looks a token up is limited by it.
 * The lookup it makes throws Refusal `rate_limited`.
 */
export const limited =
  <Key>(lookup: (key: Key) => Promise<Identity | undefined>, limit: RequestLimit) =>
  async (key: Key): Promise<Identity | undefined> =>
    withinLimit(await lookup(key), limit);

import { randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../primitives/clock';
import { HOUR_MS } from '../primitives/durations';
import type { IdentifierSource } from '../primitives/identifiers';
import type { Database } from '../storage';
import {
  findPortalToken,
  insertPortalToken,
  invalidatePortalTokens,
  listPortalTokens,
  type PortalToken,
  signingSecret,
} from './portal-token-store';

const issuer = 'tollgate-portal';

export interface PortalTokensOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
}

/** Signs and verifies the tokens (JWT, HS256) with which a customer's browser reads the usage of one subject. */
export const createPortalTokens = ({ database, clock, newId }: PortalTokensOptions) => {
  let key: Promise<Uint8Array> | undefined;
  const keyOf = (): Promise<Uint8Array> => {
    key ??= signingSecret(database, randomBytes(32).toString('base64')).then((secret) =>
      Buffer.from(secret, 'base64'),
    );
    // A failed read must not be remembered.
    key.catch(() => {
      key = undefined;
    });
    return key;
  };

  return {
    /** Makes a token; its text is told once. It lasts an hour unless `expiresAt` says otherwise. */
    create: async (
      subject: string,
      meterSlugs: string[] | null,
      expiresAt?: number,
    ): Promise<PortalToken & { token: string }> => {
      const now = clock.now();
      const record: PortalToken = {
        id: newId(),
        subject,
        meterSlugs,
        expiresAt: expiresAt ?? now + HOUR_MS,
        invalidatedAt: null,
        createdAt: now,
      };
      const token = await new SignJWT({})
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuer(issuer)
        .setJti(record.id)
        .setSubject(subject)
        .setIssuedAt(Math.floor(now / 1_000))
        .setExpirationTime(Math.ceil(record.expiresAt / 1_000))
        .sign(await keyOf());
      await insertPortalToken(database, record);
      return { ...record, token };
    },

    list: (limit: number): Promise<PortalToken[]> => listPortalTokens(database, limit),

    invalidate: (which: { id?: string | undefined; subject?: string | undefined }): Promise<void> =>
      invalidatePortalTokens(database, which, clock.now()),

    /** The record of a token; undefined for one that is forged, expired or invalidated. */
    verify: async (token: string): Promise<PortalToken | undefined> => {
      const now = clock.now();
      try {
        const { payload } = await jwtVerify(token, await keyOf(), {
          algorithms: ['HS256'],
          issuer,
          currentDate: new Date(now),
        });
        const record = await findPortalToken(database, payload.jti ?? '');
        return record && record.invalidatedAt === null && record.expiresAt > now ? record : undefined;
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
};

export type PortalTokens = ReturnType<typeof createPortalTokens>;

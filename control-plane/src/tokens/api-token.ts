import { randomBytes } from 'node:crypto';

/** What a token may do: send usage, read everything, change everything. `manage` includes the others. */
export type Scope = 'ingest' | 'read' | 'manage';

export const scopes = ['ingest', 'read', 'manage'] as const satisfies readonly Scope[];

/** A token of the HTTP API as it may be shown: without the token itself, which nobody but its holder has. */
export interface ApiToken {
  id: string;
  name: string;
  scopes: readonly Scope[];
  /** Id of the token with which it was made. */
  createdBy: string;
  createdAt: number;
  /** Epoch ms from which it is refused; null for never. */
  expiresAt: number | null;
  /** Epoch ms, up to a minute behind; null for never. */
  lastUsedAt: number | null;
  revokedAt: number | null;
}

/** A new token: 256 random bits behind a prefix by which secret scanners know it. */
export const newTokenText = (): string => `tg_${randomBytes(32).toString('base64url')}`;

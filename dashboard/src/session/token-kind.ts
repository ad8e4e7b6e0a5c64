import type { Session } from './session';

/** Portal tokens are signed (three base64url parts, JWT); API tokens are not. */
export const kindOfToken = (token: string): Session['kind'] =>
  /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? 'portal' : 'api';

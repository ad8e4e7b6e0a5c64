export const driverNames = ['kong-acl', 'kong-consumer-groups', 'kong-dbless', 'konnect'] as const;

export type DriverName = (typeof driverNames)[number];

/** How a gateway is reached. */
export interface GatewaySettings {
  /** Admin API addresses; several only for the nodes of a kong-dbless gateway. */
  adminUrls: string[];
  /** `${env:NAME}`: where the token is taken from, never the token. */
  token: string | null;
  /** Kong Enterprise's workspace; its default one when null. */
  workspace: string | null;
  /** Konnect's control plane. */
  controlPlaneId: string | null;
  /** For one call, milliseconds. */
  timeoutMs: number;
  /** Calls under way at most. */
  concurrency: number;
}

/** A gateway whose groups Tollgate keeps. Times are epoch milliseconds. */
export interface Gateway {
  id: string;
  key: string;
  name: string;
  driver: DriverName;
  settings: GatewaySettings;
  createdAt: number;
  updatedAt: number;
}

/** How a gateway answered lately. */
export interface GatewayHealth {
  status: 'unknown' | 'healthy' | 'failing';
  version?: string | null;
  edition?: string;
  /** "off" for DB-less. */
  database?: string | null;
  nodes?: number;
  errorCode?: string;
  error?: string;
  failingSince?: number;
  /** No call is made before. */
  pausedUntil?: number;
  checkedAt?: number;
}

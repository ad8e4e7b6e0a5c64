/** What every driver is opened with; each takes what it needs. */
export interface DriverOptions {
  /** Admin API addresses; more than one only where nodes have no common database. */
  adminUrls: readonly string[];
  /** Resolved from the environment; never logged. */
  token: string | undefined;
  /** Kong Enterprise's workspace. */
  workspace: string | undefined;
  /** Konnect's control plane, a UUID. */
  controlPlaneId: string | undefined;
  /** For one call, milliseconds. */
  timeoutMs: number;
  /** Calls under way at most. */
  concurrency: number;
  /** Epoch milliseconds. */
  now: () => number;
}

import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import type { Database } from '../storage';
import { createAccessAdministration } from './access-administration';
import { AccessFeed } from './access-feed';
import { openDriver } from './drivers/open-driver';
import type { AccessLogEntry } from './log-store';
import { type DriverCall, observeDrivers } from './observe-driver';
import { AccessReconciler } from './reconciler';
import { createAccessRecorder } from './record-access-changes';

export interface EnforcementOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  log: ConstructorParameters<typeof AccessReconciler>[0]['log'];
  sweepIntervalMs: number;
  /** A secret of the environment by its name. */
  secretOf: (name: string) => string | undefined;
  /** In [0, 1). */
  random: () => number;
  /** Is told of every call of a driver. */
  onDriverCall?: (call: DriverCall) => void;
  /** Is told of every entry of the access log, after it is written. */
  onLogged?: (entry: AccessLogEntry) => void;
}

export type Enforcement = ReturnType<typeof createEnforcement>;

/** The stage: records what facts ask for, makes it so in the background, and answers people. */
export const createEnforcement = (options: EnforcementOptions) => {
  const { database, clock, newId, log, sweepIntervalMs, secretOf, random } = options;
  const reconciler = new AccessReconciler({
    database,
    newId,
    log,
    sweepIntervalMs,
    secretOf,
    random,
    now: () => clock.now(),
    drivers: options.onDriverCall ? observeDrivers(openDriver, options.onDriverCall) : openDriver,
    onLogged: options.onLogged,
    // The embedded database serves one process, so a new one takes the lanes of the one before at once.
    holder: database.kind === 'pglite' ? 'embedded' : newId(),
  });
  const wake = (gatewayId: string) => reconciler.wake(gatewayId);
  const feed = new AccessFeed(database, (error) =>
    log.warn({ err: error }, 'live views of access miss entries'),
  );
  return {
    feed,
    record: createAccessRecorder(wake),
    administration: createAccessAdministration({
      database,
      clock,
      newId,
      wake,
      refresh: () => reconciler.refresh(),
    }),
    start: () => {
      feed.start();
      reconciler.start();
    },
    stop: async () => {
      await Promise.all([feed.stop(), reconciler.stop()]);
    },
  };
};

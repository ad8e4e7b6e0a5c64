import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { Refusal } from '../primitives/refusal';
import type { Database } from '../storage';
import { createAccessAdministration } from './access-administration';
import { AccessFeed } from './access-feed';
import { GatewayError } from './drivers/gateway-error';
import { openDriver } from './drivers/open-driver';
import type { AccessLogEntry } from './log-store';
import { type DriverCall, observeDrivers } from './observe-driver';
import { openGateway } from './open-gateway';
import { AccessReconciler } from './reconciler';
import { createAccessRecorder } from './record-access-changes';
import { createAccessReporter } from './report-access';
import {
  type SynchronizationOptions,
  type SynchronizationReport,
  synchronizeConsumers,
} from './synchronize-consumers';

export interface EnforcementOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  log: ConstructorParameters<typeof AccessReconciler>[0]['log'];
  sweepIntervalMs: number;
  /** How long the access log keeps its entries, milliseconds; undefined: for ever. */
  logRetentionMs: number | undefined;
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
    logRetentionMs: options.logRetentionMs,
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
  const administration = createAccessAdministration({
    database,
    clock,
    newId,
    wake,
    refresh: () => reconciler.refresh(),
  });
  return {
    feed,
    administration,
    report: createAccessReporter({ database, clock, newId, wake }),
    /** Makes customers of a gateway's consumers. @throws Refusal `gateway_not_found`, `gateway_failing` */
    synchronize: async <Entitlement>(
      idOrKey: string,
      request: Pick<SynchronizationOptions<Entitlement>, 'assignments' | 'subscribe' | 'entitle'>,
    ): Promise<SynchronizationReport> => {
      const gateway = await administration.findGateway(idOrKey);
      const driver = openGateway(gateway, openDriver, secretOf, () => clock.now());
      try {
        return await synchronizeConsumers({ ...request, database, newId, now: () => clock.now(), driver });
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        throw new Refusal('unavailable', 'gateway_failing', error.message, { cause: error });
      }
    },
    record: createAccessRecorder(wake),
    start: () => {
      feed.start();
      reconciler.start();
    },
    stop: async () => {
      await Promise.all([feed.stop(), reconciler.stop()]);
    },
  };
};

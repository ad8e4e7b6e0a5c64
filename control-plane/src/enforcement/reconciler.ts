import type { IdentifierSource } from '../primitives/identifiers';
import type { Database } from '../storage';
import type { DriverOptions } from './drivers/driver-options';
import type { GatewayDriver } from './drivers/gateway-driver';
import { endHoldsThatAreOver } from './end-holds';
import { GatewayLane, type LaneOptions } from './gateway-lane';
import { listGateways } from './gateway-store';
import { openGateway } from './open-gateway';
import { accessChannel } from './task-store';
import { trimLog } from './trim-log';

export interface ReconcilerOptions
  extends Pick<LaneOptions, 'holder' | 'sweepIntervalMs' | 'random' | 'log' | 'now' | 'onLogged'> {
  database: Database;
  newId: IdentifierSource;
  drivers: Readonly<Record<string, (options: DriverOptions) => GatewayDriver>>;
  /** The environment's variable of that name. */
  secretOf: (name: string) => string | undefined;
  /** Entries of the access log are kept for so long, milliseconds; undefined: for ever. */
  logRetentionMs: number | undefined;
}

/** New, changed and removed gateways are looked for this often, should the notification of one be lost. */
const refreshMs = 5_000;
/** Holds end within this time of their end. */
const holdsMs = 1_000;
/** The log is trimmed this often. */
const trimMs = 600_000;

interface OpenLane {
  lane: GatewayLane;
  updatedAt: number;
}

/** Keeps a lane for every gateway there is, and passes wake-ups on to them. */
export class AccessReconciler {
  private readonly lanes = new Map<string, OpenLane>();
  private refreshing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private holdTimer: NodeJS.Timeout | undefined;
  private endingHolds: Promise<void> | undefined;
  private trimTimer: NodeJS.Timeout | undefined;
  private trimming: Promise<void> | undefined;
  private unlisten: (() => Promise<void>) | undefined;
  private isStopping = false;

  constructor(private readonly options: ReconcilerOptions) {}

  start(): void {
    this.refresh();
    this.timer = setInterval(() => this.refresh(), refreshMs);
    this.holdTimer = setInterval(() => this.endHolds(), holdsMs);
    this.trim();
    this.trimTimer = setInterval(() => this.trim(), trimMs);
    this.options.database
      .listen(accessChannel, (gatewayId) => this.wake(gatewayId))
      .then(async (unlisten) => {
        if (this.isStopping) await unlisten();
        else this.unlisten = unlisten;
      })
      .catch((error: unknown) =>
        this.options.log.warn(
          { err: error },
          'other replicas are not heard; their changes wait for the next look',
        ),
      );
  }

  /** A gateway has work; one that is not known yet is looked for. */
  wake(gatewayId: string): void {
    const open = this.lanes.get(gatewayId);
    if (open) open.lane.wake();
    else this.refresh();
  }

  /** Compares a gateway with what is wanted without waiting for its next sweep. */
  sweepSoon(gatewayId: string): void {
    this.lanes.get(gatewayId)?.lane.sweepSoon();
  }

  /** Opens lanes of new gateways, and opens those of changed ones anew. */
  refresh(): void {
    this.refreshing = this.refreshing
      .then(() => this.reload())
      .catch((error: unknown) => this.options.log.warn({ err: error }, 'the gateways could not be read'));
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    clearInterval(this.holdTimer);
    clearInterval(this.trimTimer);
    await Promise.all([this.refreshing, this.endingHolds, this.trimming]);
    await this.unlisten?.();
    await Promise.all([...this.lanes.values()].map(({ lane }) => lane.stop()));
  }

  /** Holds whose time is over stop standing above the entitlement. */
  private endHolds(): void {
    const { database, now, log } = this.options;
    this.endingHolds ??= endHoldsThatAreOver(database, now(), (gatewayId) => this.wake(gatewayId))
      .catch((error: unknown) => log.warn({ err: error }, 'holds could not be ended'))
      .finally(() => {
        this.endingHolds = undefined;
      });
  }

  private trim(): void {
    const { database, now, log, logRetentionMs } = this.options;
    if (logRetentionMs === undefined) return;
    this.trimming ??= trimLog(database, now() - logRetentionMs)
      .then((removed) => {
        if (removed > 0) log.info({ removed }, 'old entries of the access log were removed');
      })
      .catch((error: unknown) => log.warn({ err: error }, 'the access log could not be trimmed'))
      .finally(() => {
        this.trimming = undefined;
      });
  }

  private async reload(): Promise<void> {
    if (this.isStopping) return;
    const gateways = await listGateways(this.options.database);
    const current = new Map(gateways.map((gateway) => [gateway.id, gateway]));
    for (const [id, { lane, updatedAt }] of [...this.lanes]) {
      if (current.get(id)?.updatedAt === updatedAt) continue;
      this.lanes.delete(id);
      await lane.stop();
    }
    for (const gateway of gateways) {
      if (this.lanes.has(gateway.id) || this.isStopping) continue;
      const { drivers, secretOf, ...rest } = this.options;
      const driver = openGateway(gateway, drivers, secretOf, this.options.now);
      const lane = new GatewayLane({ ...rest, gateway, driver });
      this.lanes.set(gateway.id, { lane, updatedAt: gateway.updatedAt });
      lane.start();
    }
  }
}

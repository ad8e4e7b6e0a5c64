import { admitted, afterFailure, type Circuit, closedCircuit } from './circuit';
import { ConsumerDirectory } from './consumer-directory';
import type { TaskWork } from './describe-outcome';
import type { GatewayDriver } from './drivers/gateway-driver';
import { GatewayError } from './drivers/gateway-error';
import type { Gateway, GatewayHealth } from './gateway';
import { holdLane, releaseLane, saveHealth, saveSweep } from './gateway-store';
import type { KnownGroups } from './plan-memberships';
import {
  needsReading,
  type ReconcileContext,
  readDueWork,
  reconcileTasks,
  takeFromReading,
} from './reconcile-tasks';
import { sweepGateway } from './sweep-gateway';
import { nextTaskAt } from './task-store';

export interface LaneOptions extends Omit<ReconcileContext, 'directory'> {
  gateway: Gateway;
  driver: GatewayDriver;
  /** Names this replica. */
  holder: string;
  sweepIntervalMs: number;
  /** In [0, 1). */
  random: () => number;
  log: { info: LogLine; warn: LogLine };
}

type LogLine = (fields: object, message: string) => void;

/** A replica that dies is followed by another one after this time. */
const leaseMs = 6_000;
const renewMs = 2_000;
/** Even without a wake-up the tasks are looked through this often; a wake-up may be lost. */
const longestRestMs = 1_000;

/** From this many customers on, the gateway is read as a whole rather than asked about each of them. */
const readTogether = 32;
/** Not more often than this, however many there are. */
const readTogetherMs = 1_000;

/** The memberships of a gateway as a sweep read them. */
interface Reading {
  begunAt: number;
  groups: ReadonlyMap<string, KnownGroups>;
}

/**
 * All work on one gateway: takes the customers that are due, as many at once as the driver allows, and sweeps. Gateways
 * have a lane each, so that none waits behind another that fails; one replica holds a lane at a time, so that limits of
 * calls hold for all of them together.
 */
export class GatewayLane {
  private readonly directory = new ConsumerDirectory();
  private readonly underWay = new Set<string>();
  private batches = 0;
  private circuit: Circuit = closedCircuit;
  private heldAt = Number.NEGATIVE_INFINITY;
  private isHeld = false;
  private sweptAt = Number.NEGATIVE_INFINITY;
  private sweeping: Promise<void> | undefined;
  private hasSweepFailed = false;
  /** Customers worked on since the last sweep began. */
  private touched = new Set<string>();
  /** What the last sweep read, kept while customers are due that it can answer for. */
  private reading: Reading | undefined;
  private health: GatewayHealth = { status: 'unknown' };
  private isStopping = false;
  private running: Promise<void> | undefined;
  private readonly working = new Set<Promise<void>>();
  private wakeUp: (() => void) | undefined;
  private isWoken = false;

  constructor(private readonly options: LaneOptions) {}

  start(): void {
    this.running ??= this.run();
  }

  /** Something may be due. */
  wake(): void {
    this.isWoken = true;
    this.wakeUp?.();
  }

  /** Compares everything with what is wanted as soon as the gateway answers. */
  sweepSoon(): void {
    this.sweptAt = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  /** Ends what is under way and lets another replica take the lane. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.wake();
    await this.running;
    await Promise.allSettled([...this.working, this.sweeping]);
    if (this.isHeld) {
      const { database, gateway, holder } = this.options;
      await releaseLane(database, gateway.id, holder).catch((error) => this.warn(error, 'lane not released'));
    }
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      this.isWoken = false;
      const restMs = await this.turn().catch((error: unknown) => {
        this.warn(error, 'a turn of the access reconciler failed');
        return longestRestMs;
      });
      if (!this.isWoken && !this.isStopping) await this.rest(restMs);
    }
  }

  private rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, Math.min(ms, longestRestMs)));
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Starts what can be started; returns for how long nothing else will be to do, milliseconds. */
  private async turn(): Promise<number> {
    if (!(await this.keepLane())) return longestRestMs;
    const { database, gateway, driver, now } = this.options;
    const at = now();
    const free = admitted(this.circuit, at, driver.limits.concurrency) - this.batches;
    if (free <= 0) return this.batches > 0 ? longestRestMs : this.circuit.openUntil - at;
    if (this.isSweepDue(at)) this.sweeping = this.sweep();
    const readyInMs = driver.readyInMs();
    if (readyInMs > 0) return readyInMs;
    // After a failure one call is to show whether the gateway answers again, not a whole batch of them.
    const isTrial = this.circuit.failures > 0 && !driver.limits.isOneCall;
    const batch = isTrial ? 1 : driver.limits.batch;
    const due = await readDueWork(this.context(), [...this.underWay], free * batch);
    const works = driver.limits.isOneCall ? due : this.leaveToSweep(due, at);
    for (let start = 0; start < works.length; start += batch) this.work(works.slice(start, start + batch));
    // The end of a batch or a sweep wakes the lane. Until then the next that is due would be one of theirs, whatever the hour.
    if (this.batches > 0 || (works.length < due.length && this.sweeping)) return longestRestMs;
    if (works.length < due.length) return this.sweptAt + readTogetherMs - at;
    this.reading = undefined;
    const next = await nextTaskAt(database, gateway.id);
    return next === undefined ? longestRestMs : next - at;
  }

  /**
   * Many customers of whom nothing is known, as after a new policy, are left to a sweep: it reads all of them in a few calls,
   * where asking about each would take hours at a gateway that limits calls. What was caused before it began and was not
   * touched since is then as it read it.
   */
  private leaveToSweep(works: readonly TaskWork[], at: number): readonly TaskWork[] {
    for (const work of works)
      if (this.isAnswered(work)) takeFromReading(work, (id) => this.reading!.groups.get(id)!);
    const unread = new Set(works.filter(needsReading));
    // A gateway that cannot be read as a whole may still answer for each.
    if (unread.size < readTogether || this.hasSweepFailed) return works;
    if (!this.sweeping && at - this.sweptAt >= readTogetherMs) this.sweeping = this.sweep();
    return works.filter((work) => !unread.has(work));
  }

  private isAnswered({ task, consumers, groups }: TaskWork): boolean {
    const { reading } = this;
    if (!reading || task.causedAt > reading.begunAt || this.touched.has(task.customerId)) return false;
    return consumers.every(({ consumer }) => {
      const known = reading.groups.get(consumer.id);
      return known !== undefined && groups.every((group) => known[group] !== undefined);
    });
  }

  private async keepLane(): Promise<boolean> {
    const { database, gateway, holder, now } = this.options;
    const elapsedMs = performance.now() - this.heldAt;
    if (this.isHeld && elapsedMs < renewMs) return true;
    const at = now();
    const startedAt = performance.now();
    this.isHeld = await holdLane(database, gateway.id, holder, at, at + leaseMs);
    if (this.isHeld) this.heldAt = startedAt;
    return this.isHeld;
  }

  private work(works: readonly TaskWork[]): void {
    const ids = works.map(({ task }) => task.customerId);
    for (const id of ids) this.underWay.add(id);
    this.batches += 1;
    const done = this.guard(() => reconcileTasks(this.context(), works)).then(() => {
      for (const id of ids) {
        this.underWay.delete(id);
        this.touched.add(id);
      }
      this.batches -= 1;
      this.working.delete(done);
      this.wake();
    });
    this.working.add(done);
  }

  private isSweepDue(at: number): boolean {
    return this.sweeping === undefined && at - this.sweptAt >= this.options.sweepIntervalMs;
  }

  private async sweep(): Promise<void> {
    const { database, gateway, driver, now, log } = this.options;
    // Written first, so that a sweep that fails is not tried at once again and again; a failure sets it back.
    const before = this.sweptAt;
    const begunAt = now();
    this.sweptAt = begunAt;
    this.reading = undefined;
    this.touched = new Set(this.underWay);
    const isDone = await this.guard(async () => {
      const probe = await driver.probe();
      this.health = { ...this.health, ...probe };
      const { groups, ...report } = await sweepGateway(
        this.context(),
        (id) => this.touched.has(id) || this.underWay.has(id),
      );
      this.reading = { begunAt, groups };
      await saveSweep(database, gateway.id, now());
      await this.sayHealthy(true);
      if (report.different > 0)
        log.info({ gateway: gateway.key, ...report }, 'access differs from what is wanted');
    });
    if (!isDone) this.sweptAt = before;
    this.hasSweepFailed = !isDone;
    this.sweeping = undefined;
    this.wake();
  }

  private context(): ReconcileContext {
    return { ...this.options, directory: this.directory };
  }

  /** Runs work on the gateway and keeps the circuit and the health by how it ended; false when it failed. */
  private async guard(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.circuit = closedCircuit;
      await this.sayHealthy(false);
      return true;
    } catch (error) {
      const { now, random } = this.options;
      const retryAfterMs = error instanceof GatewayError ? error.retryAfterMs : undefined;
      this.circuit = afterFailure(this.circuit, now(), random(), retryAfterMs);
      await this.sayFailing(error).catch((failure) => this.warn(failure, 'health not saved'));
      return false;
    }
  }

  private async sayHealthy(isSwept: boolean): Promise<void> {
    const { database, gateway, now } = this.options;
    if (this.health.status === 'healthy' && !isSwept) return;
    const { version, edition, database: kind, nodes } = this.health;
    this.health = {
      status: 'healthy',
      ...(edition === undefined
        ? {}
        : { version: version ?? null, edition, database: kind ?? null, nodes: nodes ?? 1 }),
      checkedAt: now(),
    };
    await saveHealth(database, gateway.id, this.health).catch((error) =>
      this.warn(error, 'health not saved'),
    );
  }

  private async sayFailing(error: unknown): Promise<void> {
    const { database, gateway, now } = this.options;
    const isGateways = error instanceof GatewayError;
    const errorCode = isGateways ? error.code : 'internal';
    const isNew = this.health.status !== 'failing' || this.health.errorCode !== errorCode;
    if (isNew) this.warn(error, 'a gateway fails');
    this.health = {
      ...this.health,
      status: 'failing',
      errorCode,
      error: isGateways ? error.message : 'an unexpected error; it is in the log',
      failingSince: this.health.failingSince ?? now(),
      pausedUntil: this.circuit.openUntil,
      checkedAt: now(),
    };
    await saveHealth(database, gateway.id, this.health);
  }

  private warn(error: unknown, message: string): void {
    this.options.log.warn({ err: error, gateway: this.options.gateway.key }, message);
  }
}

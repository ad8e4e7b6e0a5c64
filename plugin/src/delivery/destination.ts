import type { DeliverySettings, HoldingLimits } from '../configuration/configuration';
import { type Batch, Journal, type JournalOptions } from '../journal/journal';
import type { Log } from '../observability/log';
import type { DestinationState, Measurements } from '../observability/measurements';
import { type Outcome, type SenderPorts, sendBatch } from './batch-sender';
import { DeadLetters } from './dead-letters';
import { type EventRefused, type Held, Holding } from './holding';
import { IngestClient } from './ingest-client';
import { Pace } from './pace';
import { Signal } from './signal';

export interface DestinationPorts {
  readonly log: Log;
  readonly measurements: Measurements;
  /** Clock in ms since 1970. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

const holdMs = 1_000;
const journalRetryMs = 100;
const logEveryMs = 30_000;
/** Between the beginnings of two batches when events come fast: 200 requests a second at most. */
const spacingMs = 5;

/**
 * One ingest endpoint: its journal, and the loop that empties it. A batch is sent as soon as no other is under
 * way, with whatever has gathered by then, so batches grow with the load and an idle gateway is told at once; a
 * busy one waits a few milliseconds between batches.
 */
export class Destination {
  private readonly journal: Journal;
  private readonly deadLetters: DeadLetters;
  private readonly holding: Holding;
  private readonly work = new Signal();
  private readonly interruption = new Signal();
  private readonly loops = new Set<Promise<void>>();
  private client: IngestClient;
  private pace: Pace;
  private journalRetry: NodeJS.Timeout | undefined;
  private isStopping = false;
  private failingSince: number | undefined;
  /** When each message was logged last: a failure that goes on is told every half minute, not every time. */
  private readonly loggedAt = new Map<string, number>();

  constructor(
    private settings: DeliverySettings,
    holdingLimits: HoldingLimits,
    journal: Omit<JournalOptions, 'onFailure' | 'now'>,
    private readonly ports: DestinationPorts,
  ) {
    const { log, measurements, now } = ports;
    this.journal = Journal.open({
      ...journal,
      now,
      onFailure: (error) => {
        measurements.journalFailures.inc();
        this.logSometimes('error', 'the journal cannot be written', { error: error.message });
      },
    });
    this.holding = new Holding(holdingLimits, holdMs, now);
    this.deadLetters = new DeadLetters(journal.directory, Math.max(65_536, journal.maxBytes / 8), now);
    this.client = new IngestClient(settings);
    this.pace = paceOf(settings);
    const { depth, damagedBytes } = this.journal;
    if (depth > 0) log('info', 'events left by an earlier run will be delivered', { depth });
    if (damagedBytes > 0) log('error', 'part of the journal is unreadable', { damagedBytes });
    this.startLoops();
  }

  get state(): DestinationState {
    const { depth, bytes, oldestAt } = this.journal;
    const oldestAgeMs = oldestAt === undefined ? 0 : Math.max(0, this.ports.now() - oldestAt);
    return { depth, bytes, held: this.holding.size, oldestAgeMs };
  }

  /** Takes over a newer configuration for the same endpoint: token, limits, timeouts. The queue stays. */
  configure(settings: DeliverySettings): void {
    if (JSON.stringify(settings) === JSON.stringify(this.settings)) return;
    const former = this.client;
    this.settings = settings;
    this.client = new IngestClient(settings);
    this.pace = paceOf(settings);
    this.startLoops();
    this.interruption.raise();
    // A request under way may still use the former connections.
    setTimeout(() => void former.close(), settings.timeoutMs).unref();
  }

  /**
   * Resolves when the event is safe: in the journal or, while that cannot be written, with the control plane.
   * Rejects with EventRefused or JournalError when it was not taken.
   */
  async take(event: string): Promise<void> {
    try {
      await this.journal.append(event);
      this.ports.measurements.journaled.inc();
    } catch (error) {
      await this.takeWithoutJournal(Buffer.from(event), error);
    }
    this.work.raise();
  }

  /** Delivers what waits until nothing does or `deadlineMs` is over, then stops. The rest stays in the journal. */
  async drain(deadlineMs: number): Promise<void> {
    const endsAt = this.ports.now() + deadlineMs;
    while (this.journal.depth + this.holding.size > 0 && this.ports.now() < endsAt) await pauseFor(10);
    this.isStopping = true;
    this.interruption.raise();
    this.work.raise();
    clearInterval(this.journalRetry);
    this.holding.expire(true);
    await Promise.race([Promise.all(this.loops), pauseFor(1_000)]);
    await this.client.close();
    await Promise.all(this.loops);
    await this.journal.close();
  }

  private async takeWithoutJournal(payload: Buffer, cause: unknown): Promise<void> {
    this.logSometimes('error', 'an event waits in memory for the journal', {
      error: (cause as Error).message,
    });
    const held = this.holding.hold(payload, cause);
    this.journalRetry ??= setInterval(() => this.retryJournal(), journalRetryMs).unref();
    this.work.raise();
    try {
      await held;
    } catch (error) {
      this.ports.measurements.refused.inc({ reason: (error as EventRefused).code });
      this.logSometimes('error', 'an event was lost', { error: (error as Error).message });
      throw error;
    }
  }

  private retryJournal(): void {
    for (const { payload, settle } of this.holding.all()) {
      this.journal.append(payload.toString('utf8')).then(
        () => {
          this.ports.measurements.journaled.inc();
          settle();
          this.work.raise();
        },
        () => undefined,
      );
    }
    this.holding.expire(false);
    if (this.holding.size > 0) return;
    clearInterval(this.journalRetry);
    this.journalRetry = undefined;
  }

  private startLoops(): void {
    while (this.loops.size < this.settings.concurrency && !this.isStopping) {
      const index = this.loops.size;
      const loop: Promise<void> = this.deliver(index).finally(() => this.loops.delete(loop));
      this.loops.add(loop);
    }
  }

  private async deliver(index: number): Promise<void> {
    await undefined;
    while (!this.isStopping && index < this.settings.concurrency) {
      const { maxBatchSize, maxRequestBytes } = this.settings;
      const waitMs = this.pace.waitMs(this.journal.unread, maxBatchSize, performance.now());
      if (waitMs > 0) await this.interruption.wait(Math.ceil(waitMs));
      const held = this.holding.next(maxBatchSize, maxRequestBytes);
      const batch = held.length > 0 ? undefined : this.readJournal(maxBatchSize, maxRequestBytes);
      if (held.length === 0 && batch === undefined) await this.work.wait();
      else await this.send(held, batch);
    }
  }

  private readJournal(maxEntries: number, maxBytes: number): Batch | undefined {
    try {
      return this.journal.next(maxEntries, maxBytes);
    } catch (error) {
      this.logSometimes('error', 'the journal cannot be read', { error: (error as Error).message });
      return undefined;
    }
  }

  private async send(held: readonly Held[], batch: Batch | undefined): Promise<void> {
    const events = batch ? batch.entries.map(({ payload }) => payload) : held.map(({ payload }) => payload);
    this.pace.begin(events.length, performance.now());
    const isDone = await sendBatch(events, this.settings, this.senderPorts());
    if (!isDone) return;
    if (batch) this.journal.settle(batch);
    for (const { settle } of held) settle();
  }

  private senderPorts(): SenderPorts {
    return {
      send: (events) => this.client.send(events),
      stopCompressing: () => this.client.stopCompressing(),
      keepDeadLetters: (events, reason) => this.deadLetters.keep(events, reason),
      pause: (delayMs) => this.interruption.wait(delayMs),
      isStopping: () => this.isStopping,
      now: this.ports.now,
      random: this.ports.random,
      report: (outcome) => this.report(outcome),
    };
  }

  private report(outcome: Outcome): void {
    const { measurements, log, now } = this.ports;
    switch (outcome.kind) {
      case 'delivered':
        measurements.delivered.inc(outcome.count);
        if (this.failingSince !== undefined) log('info', 'the ingest endpoint answers again', this.name());
        this.failingSince = undefined;
        return;
      case 'dead_lettered':
        measurements.deadLettered.inc(outcome.count);
        this.logSometimes('error', 'events were refused and are in the dead-letter file', {
          count: outcome.count,
          reason: outcome.reason,
          file: this.deadLetters.path,
        });
        return;
      case 'retrying':
        measurements.retried.inc(outcome.count);
        this.failingSince ??= now();
        this.logFailure(outcome.reason, outcome.misconfigured);
    }
  }

  private logFailure(reason: string, isMisconfigured: boolean): void {
    const failingForMs = this.ports.now() - (this.failingSince ?? this.ports.now());
    const isLoud = isMisconfigured || failingForMs >= this.settings.warnAfterMs;
    const message = isMisconfigured
      ? 'the ingest endpoint refuses us: check ingest_endpoint and api_token; events wait in the journal'
      : 'the ingest endpoint does not answer; events wait in the journal';
    this.logSometimes(isLoud ? 'error' : 'warn', message, { reason, failingForMs, ...this.name() });
  }

  /** Without the query: some services take their token there. */
  private name(): { endpoint: string } {
    const { origin, pathname } = new URL(this.settings.endpoint);
    return { endpoint: `${origin}${pathname}` };
  }

  private logSometimes(level: 'warn' | 'error', message: string, fields: Record<string, unknown>): void {
    const now = this.ports.now();
    if (now - (this.loggedAt.get(message) ?? Number.NEGATIVE_INFINITY) < logEveryMs) return;
    this.loggedAt.set(message, now);
    this.ports.log(level, message, fields);
  }
}

const paceOf = ({ maxCoalescingDelayMs }: DeliverySettings): Pace =>
  new Pace(Math.min(spacingMs, maxCoalescingDelayMs));

const pauseFor = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

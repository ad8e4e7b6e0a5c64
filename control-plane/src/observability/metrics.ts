import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Observations, RequestObservation } from './observations';

/** What waits in an outbox table. */
export interface Backlog {
  depth: number;
  /** When the oldest of what is due became so, epoch milliseconds; null when nothing is due. */
  oldestDueAt: number | null;
}

export interface MetricsOptions {
  now: () => number;
  /** Events that wait for their transaction. */
  queuedEvents: () => number;
  /** Read from the database at each scrape, by the outbox's name. */
  backlogs: Readonly<Record<string, () => Promise<Backlog>>>;
}

/** From a millisecond to half a minute: the range in which a cut-off is good, slow and bad. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const batchBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];

/** Every metric of the control plane. Names and labels are an interface: dashboards and alert rules build on them. */
export const createMetrics = (options: MetricsOptions) => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
    buckets = latencyBuckets,
  ) => new Histogram<Label>({ name, help, labelNames, buckets, registers });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter<Label>({ name, help, labelNames, registers });

  const ingested = counter('tollgate_ingest_events_total', 'Events taken in, by what became of them.', [
    'result',
  ]);
  const batchSize = histogram('tollgate_ingest_batch_events', 'Events of one transaction.', [], batchBuckets);
  const commit = histogram('tollgate_ingest_commit_seconds', 'Duration of the ingest transaction.');
  const failures = counter('tollgate_ingest_commit_failures_total', 'Ingest transactions that failed.');
  const lag = histogram(
    'tollgate_ingest_lag_seconds',
    'From the time of the newest event of a batch until its commit.',
    [],
    [...latencyBuckets, 60, 300, 3_600],
  );
  const requests = histogram('tollgate_http_request_seconds', 'Duration of HTTP requests.', [
    'method',
    'route',
    'status',
  ]);
  const refusal = histogram(
    'tollgate_crossing_to_refusal_seconds',
    'From the commit in which a customer lost access until the gateway had taken the consumer out of its group.',
    ['gateway'],
  );
  const accessChanges = counter('tollgate_access_changes_total', 'Access changes, by how they ended.', [
    'gateway',
    'outcome',
    'cause',
  ]);
  const driverCalls = histogram('tollgate_driver_call_seconds', 'Calls of gateway drivers.', [
    'driver',
    'call',
    'outcome',
  ]);
  const deliveries = histogram('tollgate_delivery_attempt_seconds', 'Webhook attempts.', ['outcome']);

  new Gauge({
    name: 'tollgate_ingest_queue_events',
    help: 'Events that wait for their transaction.',
    registers,
    collect() {
      this.set(options.queuedEvents());
    },
  });
  addBacklogs(registry, options);

  return {
    registry,
    batchCommitted: (batch: Parameters<Observations['batchCommitted']>[0]): void => {
      batchSize.observe(batch.events);
      commit.observe(batch.ms / 1_000);
      ingested.inc({ result: 'accepted' }, batch.events - batch.duplicates);
      if (batch.duplicates > 0) ingested.inc({ result: 'duplicate' }, batch.duplicates);
      lag.observe(Math.max(options.now() - batch.newestAt, 0) / 1_000);
    },
    batchFailed: (): void => failures.inc(),
    requestEnded: (request: RequestObservation): void => {
      const { method, route, status } = request;
      requests.observe({ method, route, status: String(status) }, request.ms / 1_000);
    },
    accessChanged: (change: {
      gatewayKey: string;
      outcome: string;
      cause: string;
      access: string;
      durationMs: number;
    }): void => {
      const { gatewayKey: gateway, outcome, cause } = change;
      accessChanges.inc({ gateway, outcome, cause });
      if (change.access === 'out' && outcome === 'done')
        refusal.observe({ gateway }, change.durationMs / 1_000);
    },
    driverCalled: (call: { driver: string; call: string; outcome: string; ms: number }): void => {
      driverCalls.observe({ driver: call.driver, call: call.call, outcome: call.outcome }, call.ms / 1_000);
    },
    deliveryAttempted: (attempt: { isSuccess: boolean; ms: number }): void => {
      deliveries.observe({ outcome: attempt.isSuccess ? 'success' : 'failure' }, attempt.ms / 1_000);
    },
  };
};

/** Depth and age of the outboxes. One that cannot be read is left out of this scrape instead of failing all of it. */
const addBacklogs = (registry: Registry, { backlogs, now }: MetricsOptions): void => {
  const age = new Gauge({
    name: 'tollgate_outbox_oldest_seconds',
    help: 'For how long the oldest due entry has been due.',
    labelNames: ['outbox'],
    registers: [registry],
  });
  new Gauge({
    name: 'tollgate_outbox_depth',
    help: 'Entries of an outbox that wait to be worked off.',
    labelNames: ['outbox'],
    registers: [registry],
    async collect() {
      this.reset();
      age.reset();
      for (const [outbox, read] of Object.entries(backlogs)) {
        const backlog = await read().catch(() => undefined);
        if (!backlog) continue;
        this.set({ outbox }, backlog.depth);
        const oldest = backlog.oldestDueAt;
        age.set({ outbox }, oldest === null ? 0 : Math.max(now() - oldest, 0) / 1_000);
      }
    },
  });
};

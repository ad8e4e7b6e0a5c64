import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What one destination can say about itself at any moment. */
export interface DestinationState {
  readonly depth: number;
  readonly bytes: number;
  readonly held: number;
  /** Milliseconds since the oldest waiting event was taken; 0 when none waits. */
  readonly oldestAgeMs: number;
}

/** Everything that the plugin counts, as Prometheus metrics in a registry of its own. */
export class Measurements {
  readonly registry = new Registry();
  readonly received = this.counter('tollgate_requests_received_total', 'Log events received from Kong.');
  readonly unmetered = this.counter('tollgate_requests_unmetered_total', 'Requests that make no event.', [
    'reason',
  ]);
  readonly journaled = this.counter('tollgate_events_journaled_total', 'Events written to the journal.');
  readonly delivered = this.counter('tollgate_events_delivered_total', 'Events that the control plane took.');
  readonly retried = this.counter(
    'tollgate_events_retried_total',
    'Events in batches that must be sent again.',
  );
  readonly deadLettered = this.counter(
    'tollgate_events_dead_lettered_total',
    'Events refused by themselves.',
  );
  readonly refused = this.counter('tollgate_events_refused_total', 'Events not taken, so lost.', ['reason']);
  readonly journalFailures = this.counter('tollgate_journal_failures_total', 'Writes or syncs that failed.');
  readonly handlerTime = new Histogram({
    name: 'tollgate_handler_seconds',
    help: 'From the serialized log entry to the acknowledgement.',
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.1, 1],
    registers: [this.registry],
  });

  /** Gauges are read when somebody asks for them. */
  constructor(states: () => readonly DestinationState[]) {
    const sum = (pick: (state: DestinationState) => number) => () =>
      states().reduce((total, state) => total + pick(state), 0);
    const oldest = () =>
      states().reduce((longest, { oldestAgeMs }) => Math.max(longest, oldestAgeMs), 0) / 1000;
    this.gauge(
      'tollgate_queue_depth',
      'Events in the journal that are not delivered.',
      sum(({ depth }) => depth),
    );
    this.gauge(
      'tollgate_queue_held',
      'Events in memory because the journal cannot take them.',
      sum(({ held }) => held),
    );
    this.gauge(
      'tollgate_journal_bytes',
      'Bytes of the journal on disk.',
      sum(({ bytes }) => bytes),
    );
    this.gauge('tollgate_queue_oldest_age_seconds', 'Age of the oldest event not delivered.', oldest, 'max');
  }

  private counter<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[] = [],
  ): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge(name: string, help: string, read: () => number, aggregator: 'sum' | 'max' = 'sum'): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      aggregator,
      collect() {
        this.set(read());
      },
    });
  }
}

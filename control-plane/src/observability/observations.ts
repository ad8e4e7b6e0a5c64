/** What the control plane tells of its work as it ends: metrics count it, tracing makes spans of it. */
export interface Observations {
  requestEnded(request: RequestObservation): void;
  /** A committed batch: its size, its duration, its duplicates, and the time of its newest event (epoch ms). */
  batchCommitted(batch: { events: number; duplicates: number; ms: number; newestAt: number }): void;
  batchFailed(ms: number): void;
  driverCalled(call: { driver: string; call: string; outcome: string; ms: number }): void;
  deliveryAttempted(attempt: { isSuccess: boolean; ms: number }): void;
}

export interface RequestObservation {
  method: string;
  /** The route's pattern, never the path. */
  route: string;
  status: number;
  ms: number;
  /** As the caller sent it. */
  traceparent?: string | undefined;
}

/** Tells both; the first alone where there is no second. */
export const tellBoth = (first: Observations, second: Observations | undefined): Observations =>
  second
    ? {
        requestEnded: (request) => {
          first.requestEnded(request);
          second.requestEnded(request);
        },
        batchCommitted: (batch) => {
          first.batchCommitted(batch);
          second.batchCommitted(batch);
        },
        batchFailed: (ms) => {
          first.batchFailed(ms);
          second.batchFailed(ms);
        },
        driverCalled: (call) => {
          first.driverCalled(call);
          second.driverCalled(call);
        },
        deliveryAttempted: (attempt) => {
          first.deliveryAttempted(attempt);
          second.deliveryAttempted(attempt);
        },
      }
    : first;

import { readEventAttributes } from '../../events';
import type { MeterCatalog } from '../../metering';
import type { CancellationOutcome, CancellationRequest } from '../../pipeline';
import type { Clock } from '../../primitives/clock';
import type { IdentifierSource } from '../../primitives/identifiers';
import type { Database } from '../../storage';
import { createErrorReports, type ErrorReportsOptions } from '../../stripe/error-reports';
import { createMeterDirectory } from '../../stripe/meter-directory';
import { meterEventSource } from '../../stripe/meter-event';
import { createSessions } from '../../stripe/sessions';
import { createStripeMeters } from '../../stripe/stripe-meters';
import { assertWithinLimit, type RequestLimit } from '../authenticate';
import { type FastRoute, handled, type Reply, type Route } from '../route';
import { adjustmentRoutes } from './adjustments-routes';
import { eventSummariesRoute } from './event-summaries-route';
import { coreEventRoutes } from './events-routes';
import { createIdempotency } from './idempotently';
import { stripeIngestRoutes } from './ingest-routes';
import type { MeterEventOptions } from './meter-event-handlers';
import { meterRoutes } from './meters-routes';
import { sessionRoute } from './session-routes';

export interface StripeSuiteOptions extends Pick<MeterEventOptions, 'accept' | 'lookup'> {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  catalog: MeterCatalog;
  cancelEvent: (request: CancellationRequest) => Promise<CancellationOutcome>;
  limit: RequestLimit;
  tellReport: ErrorReportsOptions['tell'];
  onError: (error: unknown) => void;
}

/** Stripe's interface: its hot routes, its other routes, and the reports that are made beside requests. */
export interface StripeSuite {
  fastRoutes: FastRoute[];
  routes: Route[];
  reports: { start(): void; stop(): Promise<void> };
}

/** Longer than any client retries a request under one Idempotency-Key. */
const retriedWithinMs = 86_400_000;

export const createStripeSuite = (options: StripeSuiteOptions): StripeSuite => {
  const { database, clock, newId, catalog, cancelEvent } = options;
  const directory = createMeterDirectory(database, clock);
  const sessions = createSessions({ database, clock, newId });
  const reports = createErrorReports({
    database,
    clock,
    newId,
    tell: options.tellReport,
    onError: options.onError,
  });
  const meters = createStripeMeters({ database, catalog, directory });
  const idempotently = createIdempotency(database, clock);
  return {
    fastRoutes: stripeIngestRoutes({
      accept: options.accept,
      lookup: options.lookup,
      now: () => clock.now(),
      directory,
      sessions,
      reports,
      limit: (identity) => assertWithinLimit(identity, options.limit),
      storedAttributes: (id) =>
        readEventAttributes(database, { id, source: meterEventSource }, clock.now() - retriedWithinMs),
    }),
    routes: [
      ...meterRoutes(meters, idempotently),
      eventSummariesRoute({ database, meters }),
      ...adjustmentRoutes({ cancelEvent, clock, idempotently }),
      sessionRoute(sessions),
      ...coreEventRoutes(database),
    ].map(withRequestId),
    reports,
  };
};

/** Every answer names its request, under which clients show it. */
const withRequestId = (route: Route): Route => ({
  ...route,
  handle: async (input): Promise<Reply | typeof handled> => {
    const reply = await route.handle(input);
    if (reply === handled) return reply;
    return { ...reply, headers: { ...reply.headers, 'Request-Id': input.requestId } };
  },
});

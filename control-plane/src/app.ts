import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createBilling, refuseWhileSubscribed } from './billing';
import { createFeatureRegistry, createFeatures, featureMeterGuard } from './catalog';
import type { Configuration } from './config/configuration';
import { environmentSecret } from './config/environment-secret';
import { createCustomers } from './customers';
import { accessBacklog, createEnforcement } from './enforcement';
import {
  createClosestToLimit,
  createDueAlarm,
  createDueStandingsWorker,
  createEntitlements,
  createSettleAfterIngest,
  createValueReader,
  followCustomers,
} from './entitlements';
import {
  createBatcher,
  createEventTail,
  createEventUpkeep,
  createTraffic,
  createWeekFilters,
} from './events';
import { createExchanges } from './exchanges';
import { accessRoutes } from './http/access/access-routes';
import { limited, portalIdentity, registeredTokens, singleToken } from './http/authenticate';
import { closeServer } from './http/close-server';
import { ingestRoutes } from './http/cloudevents/ingest-routes';
import { createDashboard, dashboardDirectory } from './http/dashboard/serve-dashboard';
import { healthRoutes } from './http/health-routes';
import { httpLogRoutes } from './http/kong-http-log/http-log-routes';
import { konnectSuite } from './http/konnect/konnect-suite';
import { konnectErrors } from './http/konnect/problem-shape';
import { metricsRoute } from './http/metrics-route';
import { openApiRoutes } from './http/openapi/openapi-routes';
import { billingSuite } from './http/openmeter/billing-suite';
import { customerRoutes } from './http/openmeter/customers-routes';
import { entitlementSuite } from './http/openmeter/entitlement-suite';
import { eventStreamRoutes } from './http/openmeter/event-stream-routes';
import { eventsRoutes } from './http/openmeter/events-routes';
import { featureRoutes } from './http/openmeter/features-routes';
import { meterQueryRoutes } from './http/openmeter/meter-query-routes';
import { metersRoutes } from './http/openmeter/meters-routes';
import { notificationChannelRoutes } from './http/openmeter/notification-channel-routes';
import { notificationEventRoutes } from './http/openmeter/notification-event-routes';
import { notificationRuleRoutes } from './http/openmeter/notification-rule-routes';
import { portalRoutes } from './http/openmeter/portal-routes';
import { subjectsRoutes } from './http/openmeter/subjects-routes';
import { overviewRoutes } from './http/overview-routes';
import { portalViewRoutes } from './http/portal/portal-view-routes';
import { reveniumErrors } from './http/revenium/problem-shape';
import { reveniumRoutes } from './http/revenium/revenium-routes';
import { exchangeEventOf } from './http/revenium/usage-events';
import type { FastRoute, Route, RouteDescription } from './http/route';
import { type ClientLimits, createHttpServer, defaultClientLimits, type ServerOptions } from './http/server';
import { stripeErrorShape } from './http/stripe/stripe-error';
import { createStripeSuite } from './http/stripe/stripe-suite';
import { tokenRoutes } from './http/tokens-routes';
import { konnectWebhookRoutes } from './http/webhooks-konnect/notification-routes';
import {
  createBackfillWorker,
  createElements,
  createMeterCatalog,
  createMeterRegistry,
  createRollupStore,
} from './metering';
import { createNotifications, deliveryBacklog } from './notifications';
import { createMetrics } from './observability/metrics';
import { type Observations, tellBoth } from './observability/observations';
import { observeCommit } from './observability/observe-commit';
import { observeRequests } from './observability/observe-requests';
import { createActivityFeed } from './overview/activity-feed';
import { createOverview } from './overview/overview';
import { createCancellation, createIngestPipeline, createSettle, createSettleMeter } from './pipeline';
import { createPortalTokens } from './portal/portal-tokens';
import { createPortalView } from './portal/portal-view';
import type { Clock } from './primitives/clock';
import { parseDuration } from './primitives/durations';
import { createIdentifierSource } from './primitives/identifiers';
import { Refusal } from './primitives/refusal';
import { createIngestBarrier, type Database } from './storage';
import type { SharedCounters } from './storage/redis/shared-counters';
import { createWatchRegistry, type FactRecorder } from './thresholds';
import { createRequestLimiter } from './tokens/rate-limit/request-limiter';
import { createTokenRegistry } from './tokens/token-registry';
import { version } from './version';

const dayMs = 86_400_000;
/** How many seconds' worth of requests a token may send at once after a rest. */
const burstSeconds = 2;

export interface AppOptions {
  configuration: Configuration;
  database: Database;
  clock: Clock;
  log: Logger;
  /** The token that may do everything. */
  token: string;
  /** Whether what has to precede traffic is done (the declaration applied); /readyz answers 503 until then. */
  isPrepared?: () => boolean;
  /** Is told what the metrics are told. */
  tracing?: Observations | undefined;
  /** Where replicas share rate limits; each counts for itself without it. */
  sharedCounters?: SharedCounters | undefined;
  /** Over those of the HTTP server. */
  clients?: Partial<ClientLimits> | undefined;
  /** Sees every request as it comes. */
  observe?: ServerOptions['observe'];
  /** Where the built dashboard stands, when not where a build leaves it. */
  dashboardDirectory?: string | undefined;
}

/** A running control plane. */
export interface App {
  /** Where it listens: http://host:port. */
  url: string;
  /** Everything that is served: what /openapi.json describes. */
  routes: readonly RouteDescription[];
  /** Refuses new work, ends what is under way within the configured time, and closes everything but the database. */
  stop(): Promise<void>;
}

/** Work that goes on beside requests: schedulers, workers, sweeps. */
export interface BackgroundWork {
  start(): void;
  stop(): Promise<void>;
}

/** The composition root: the only file that knows every concrete part. */
export const startApp = async (options: AppOptions): Promise<App> => {
  const { configuration, database, clock, log } = options;
  const newId = createIdentifierSource(clock);

  const meters = createMeterRegistry();
  const features = createFeatureRegistry();
  const watches = createWatchRegistry();
  const rollups = createRollupStore(database);
  const metrics = createMetrics({
    now: () => clock.now(),
    queuedEvents: () => batcher.queued(),
    backlogs: {
      deliveries: () => deliveryBacklog(database, clock.now()),
      access: () => accessBacklog(database, clock.now()),
    },
  });
  const observations = tellBoth(metrics, options.tracing);
  const notifications = createNotifications({
    database,
    clock,
    newId,
    allowPrivateDestinations: configuration.allowPrivateWebhookDestinations,
    stopWithinMs: configuration.shutdownSeconds * 1_000,
    onError: (error, doing) => log.error({ err: error }, `${doing} failed`),
    onAttempt: observations.deliveryAttempted,
  });
  const enforcement = createEnforcement({
    database,
    clock,
    newId,
    log,
    sweepIntervalMs: configuration.sweepIntervalSeconds * 1_000,
    logRetentionMs:
      configuration.accessLogRetentionDays === 0 ? undefined : configuration.accessLogRetentionDays * dayMs,
    secretOf: environmentSecret,
    random: Math.random,
    onDriverCall: observations.driverCalled,
    onLogged: metrics.accessChanged,
  });
  const recorders: FactRecorder[] = [notifications.record, enforcement.record];
  const alarm = createDueAlarm(clock);
  const settle = createSettle({ watches, newId, recorders, alarm });
  const settleAfterIngest = createSettleAfterIngest({
    database,
    clock,
    settle,
    barrier: createIngestBarrier(database),
  });
  const entitlements = createEntitlements({ database, clock, newId, settle, settleAfterIngest });
  const customersFollower = followCustomers(entitlements, settleAfterIngest);
  const customers = createCustomers({
    database,
    clock,
    newId,
    follower: {
      ...customersFollower,
      customerDeleted: async (transaction, customerId, now) => {
        await refuseWhileSubscribed(transaction, customerId, now);
        await customersFollower.customerDeleted(transaction, customerId, now);
      },
    },
  });
  const catalog = createFeatures({ database, clock, newId });
  const values = createValueReader({ database, clock });
  const dueStandings = createDueStandingsWorker({
    database,
    clock,
    settle,
    alarm,
    onError: (error, entitlementIds) =>
      log.error({ err: error, entitlementIds }, 'settling what was due failed; it is tried again'),
  });

  const backfill = createBackfillWorker({
    database,
    rollups,
    settleMeter: createSettleMeter(settle, clock),
    owner: newId(),
    onError: (error) => log.error({ err: error }, 'counting earlier events failed; it is tried again'),
  });
  const eventUpkeep = createEventUpkeep({
    database,
    retentionMs:
      configuration.eventRetentionDays === 0 ? undefined : configuration.eventRetentionDays * dayMs,
    onError: (error) => log.error({ err: error }, 'the upkeep of stored events failed; it is tried again'),
    onRetired: (weeks) =>
      log.info({ weeks }, 'raw events of these weeks are past their retention and are dropped'),
  });
  const meterCatalog = createMeterCatalog({
    database,
    clock,
    newId,
    guard: featureMeterGuard,
    onBackfill: backfill.wake,
  });
  const billing = createBilling({
    database,
    clock,
    newId,
    entitlements,
    settleAfterIngest,
    terms: {
      collectionPeriod: parseDuration(configuration.billingCollectionPeriod)!,
      draftPeriod: parseDuration(configuration.billingDraftPeriod)!,
      dueAfter: parseDuration(configuration.billingDueAfter)!,
    },
    tell: notifications.recordInvoiceEvent,
    onError: (error) => log.error({ err: error }, 'billing what is due failed; it is tried again'),
  });

  const weekFilters = createWeekFilters({
    database,
    onError: (error) => log.error({ err: error }, 'reading ended weeks failed; it is tried again'),
    onReady: (weeks) => log.info({ weeks }, 'ended weeks are filtered'),
  });
  const commit = createIngestPipeline({
    database,
    meters,
    features,
    rollups,
    settle,
    clock,
    filterOf: weekFilters.filterOf,
    dedupWindowMs: configuration.dedupWindowDays * dayMs,
  });
  const traffic = createTraffic({
    database,
    clock,
    onError: (error) =>
      log.warn({ err: error }, 'the figures of traffic were not written; they are tried again'),
  });
  const tail = createEventTail(clock);
  const activity = createActivityFeed({
    database,
    clock,
    access: enforcement.administration,
    onError: (error) => log.warn({ err: error }, 'live views of what happens miss something'),
  });
  const batcher = createBatcher({
    commit: observeCommit(commit, observations, { count: traffic.count, stored: tail.stored }),
    maximumBatch: 5_000,
    // The embedded database has one connection. On a server one batch is being prepared and another stores its events while
    // a third holds the rollups, which batches of the same subjects pass one after another.
    concurrency: database.kind === 'pglite' ? 1 : 3,
    worthwhileBatch: 500,
    maximumQueued: configuration.ingestQueueLimit,
  });

  const tokens = createTokenRegistry({
    database,
    clock,
    newId,
    onError: (error) => log.warn({ err: error }, 'times of last use of tokens were not written'),
  });
  const portalTokens = createPortalTokens({ database, clock, newId });
  const limiter =
    configuration.rateLimitPerSecond === 0
      ? undefined
      : createRequestLimiter({
          limits: {
            perSecond: configuration.rateLimitPerSecond,
            capacity: configuration.rateLimitPerSecond * burstSeconds,
          },
          shared: options.sharedCounters,
          monotonicNow: () => performance.now(),
        });
  const limit = (tokenId: string) => limiter?.refusalOf(tokenId);
  const lookup = limited(singleToken(options.token, registeredTokens(tokens)), limit);
  const ingest = {
    accept: batcher.accept,
    lookup,
    now: () => clock.now(),
    bodyLimitBytes: configuration.ingestBodyLimitBytes,
    batchLimit: configuration.ingestBatchLimit,
    onRefused: ({ code, message, fields }: Refusal) =>
      tail.refused({ code, message, fields: fields.slice(0, 10) }),
  };
  const stripe = createStripeSuite({
    database,
    clock,
    newId,
    catalog: meterCatalog,
    accept: batcher.accept,
    lookup,
    limit,
    cancelEvent: createCancellation({ database, features, settle, clock }),
    tellReport: notifications.recordMeterReport,
    onError: (error) => log.error({ err: error }, 'reporting meter errors failed; it is tried again'),
  });
  const elements = createElements({
    database,
    clock,
    meters: meterCatalog,
    elementLimit: configuration.reveniumElements,
    dimensionLimit: configuration.reveniumDimensions,
  });
  const exchanges = createExchanges({
    database,
    clock,
    accept: ingest.accept,
    eventOf: exchangeEventOf,
    onError: (error) => log.error({ err: error }, 'joining requests and responses failed; it is tried again'),
    onExpired: (count) =>
      log.warn({ count }, 'requests or responses whose other half did not come within a day were given up'),
  });
  const fastRoutes: FastRoute[] = [
    ...ingestRoutes(ingest),
    ...httpLogRoutes({ ...ingest, log }),
    ...stripe.fastRoutes,
    ...reveniumRoutes({ ...ingest, elements, exchanges }),
  ];

  let isStopping = false;
  const routes: Route[] = [
    ...healthRoutes(async () => {
      if (isStopping || options.isPrepared?.() === false) return false;
      await database.query('SELECT 1');
      return true;
    }),
    metricsRoute(metrics.registry),
    ...tokenRoutes(tokens, () => clock.now()),
    ...metersRoutes(meterCatalog),
    ...notificationChannelRoutes(notifications),
    ...notificationRuleRoutes(notifications),
    ...notificationEventRoutes(notifications),
    ...meterQueryRoutes({ database, meters: meterCatalog, clock }),
    ...accessRoutes(enforcement, {
      subscribe: async (customerId, plan) => {
        await billing.subscriptions.create(customerId, { planKey: plan });
      },
      entitle: async (customerId, entitlement) => {
        await entitlements.create(customerId, entitlement);
      },
      hasPlan: (key) => isFound(billing.plans.get(key)),
      hasFeature: (key) => isFound(catalog.get(key)),
    }),
    ...konnectWebhookRoutes(
      enforcement,
      () => configuration.konnectWebhookSecret,
      () => clock.now(),
    ),
    ...featureRoutes(catalog, database),
    ...customerRoutes({ customers, values, database }),
    ...billingSuite({ billing, customers, database, clock }),
    ...portalRoutes({ tokens: portalTokens, meters: meterCatalog, database, clock }),
    ...portalViewRoutes(
      createPortalView({ database, clock, meters: meterCatalog, values, invoices: billing.invoices }),
    ),
    ...entitlementSuite({ entitlements, values, database, clock, newId }),
    ...konnectSuite({ billing, customers, features: catalog, meters: meterCatalog, values, database, clock }),
    ...eventsRoutes({ database, meters, clock }),
    ...eventStreamRoutes({
      tail,
      database,
      meters,
      onError: (error) => log.warn({ err: error }, 'a live view of events misses some'),
    }),
    ...overviewRoutes({
      overview: createOverview({ database, clock, traffic, access: enforcement.administration }),
      closest: createClosestToLimit({ database, clock }),
      feed: activity,
      clock,
    }),
    ...stripe.routes,
    ...subjectsRoutes({ database, clock, newId }),
  ];
  routes.push(...openApiRoutes(() => [...fastRoutes, ...routes], version));
  const background: BackgroundWork[] = [
    weekFilters,
    tokens,
    stripe.reports,
    notifications,
    backfill,
    eventUpkeep,
    exchanges,
    enforcement,
    dueStandings,
    billing,
  ];

  const observe = observeRequests({ log, observations });
  const server = createHttpServer({
    routes,
    fastRoutes,
    lookup,
    portalLookup: limited(async (text: string) => {
      const token = await portalTokens.verify(text);
      return token && portalIdentity(token);
    }, limit),
    log,
    bodyLimitBytes: configuration.bodyLimitBytes,
    errorShapes: [stripeErrorShape, reveniumErrors(() => clock.now()), konnectErrors],
    clients: {
      ...defaultClientLimits,
      connections: configuration.maximumConnections,
      ...options.clients,
    },
    dashboard: createDashboard(options.dashboardDirectory ?? dashboardDirectory()),
    observe: (request, response, requestId, hotPath) => {
      observe(request, response, requestId, hotPath);
      options.observe?.(request, response, requestId, hotPath);
    },
  });
  await listen(server, configuration.port, configuration.host);
  for (const work of background) work.start();
  traffic.start();

  return {
    url: urlOf(server, configuration.host),
    routes: [...fastRoutes, ...routes],
    stop: async () => {
      isStopping = true;
      // Load balancers that ask /readyz send their requests elsewhere before connections are refused here.
      await new Promise((resolve) => setTimeout(resolve, configuration.drainSeconds * 1_000));
      await Promise.all([
        closeServer(server, configuration.shutdownSeconds * 1_000),
        ...[...background, tail, activity, traffic].map((work) => work.stop()),
        limiter?.stop(),
      ]);
      // Last, since requests that were under way may have brought events.
      await batcher.stop();
    },
  };
};

const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, 4_096, () => {
      server.off('error', reject);
      resolve();
    });
  });

const urlOf = (server: Server, host: string): string => {
  const { port } = server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
};

/** False for a thing that is not there; any other failure stays one. */
const isFound = async (looking: Promise<unknown>): Promise<boolean> => {
  try {
    await looking;
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'not_found') return false;
    throw error;
  }
};

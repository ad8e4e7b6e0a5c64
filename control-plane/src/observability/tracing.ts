import type { Attributes, SpanKind } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Observations } from './observations';

/** What is traced: the same observations that the metrics count, each as a span. */
export interface Tracing extends Observations {
  /** Sends what is still held back. */
  stop(): Promise<void>;
}

export interface TracingOptions {
  /** Base URL of an OTLP/HTTP receiver; `/v1/traces` is added, as the specification of the exporter says. */
  endpoint: string;
  /** `name=value,name=value`, percent-encoded, sent with every export. */
  headers: string | undefined;
  serviceName: string;
  version: string;
  /** Share of the traces that begin here; one that begins elsewhere is followed when its caller sampled it. */
  sampleRatio: number;
  log: Logger;
}

const exportTimeoutMs = 10_000;

/**
 * Spans over OTLP/HTTP, in the names of OpenTelemetry's semantic conventions. A request continues the trace of its
 * `traceparent` header (W3C Trace Context). Spans are made when what they tell has ended, so nothing waits for them; at
 * most 2,048 are held back, further ones are dropped. The libraries are loaded only here, when tracing is configured.
 */
export const createTracing = async (options: TracingOptions): Promise<Tracing> => {
  const { diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = await import(
    '@opentelemetry/api'
  );
  const { BasicTracerProvider, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } =
    await import('@opentelemetry/sdk-trace-base');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');

  const report = (message: string): void => options.log.warn({ reason: message }, 'a trace was not exported');
  const ignore = (): void => undefined;
  diag.setLogger(
    { error: report, warn: ignore, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.serviceName,
      'service.version': options.version,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor(
        new OTLPTraceExporter({
          url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces`,
          headers: parseHeaders(options.headers),
          timeoutMillis: exportTimeoutMs,
        }),
      ),
    ],
  });
  const tracer = provider.getTracer('tollgate', options.version);

  const record = (
    name: string,
    kind: SpanKind,
    ms: number,
    isFailed: boolean,
    attributes: Attributes,
    traceparent?: string,
  ): void => {
    const endedAt = Date.now();
    const caller = parseTraceparent(traceparent);
    const context = caller ? trace.setSpanContext(ROOT_CONTEXT, { ...caller, isRemote: true }) : ROOT_CONTEXT;
    const span = tracer.startSpan(name, { kind, startTime: endedAt - ms, attributes }, context);
    if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endedAt);
  };

  return {
    requestEnded: ({ method, route, status, ms, traceparent }) =>
      record(
        `${method} ${route}`,
        SpanKind.SERVER,
        ms,
        status >= 500,
        { 'http.request.method': method, 'http.route': route, 'http.response.status_code': status },
        traceparent,
      ),
    batchCommitted: ({ events, duplicates, ms }) =>
      record('ingest commit', SpanKind.INTERNAL, ms, false, {
        'tollgate.events': events,
        'tollgate.duplicates': duplicates,
      }),
    batchFailed: (ms) => record('ingest commit', SpanKind.INTERNAL, ms, true, {}),
    driverCalled: ({ driver, call, outcome, ms }) =>
      record(`${driver} ${call}`, SpanKind.CLIENT, ms, outcome !== 'ok', {
        'tollgate.driver': driver,
        'tollgate.call': call,
        'tollgate.outcome': outcome,
      }),
    deliveryAttempted: ({ isSuccess, ms }) => record('webhook delivery', SpanKind.CLIENT, ms, !isSuccess, {}),
    stop: () => provider.shutdown(),
  };
};

const traceparentForm = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-|$)/;

/** W3C Trace Context, section 3.2: version, trace id, parent id, flags. One that is malformed or all zero counts as none. */
const parseTraceparent = (
  text: string | undefined,
): { traceId: string; spanId: string; traceFlags: number } | undefined => {
  const [, traceId, spanId, flags] = traceparentForm.exec(text ?? '') ?? [];
  if (!traceId || !spanId || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags!, 16) & 1 };
};

const parseHeaders = (text: string | undefined): Record<string, string> =>
  Object.fromEntries(
    (text ?? '')
      .split(',')
      .filter((pair) => pair.includes('='))
      .map((pair) => {
        const equals = pair.indexOf('=');
        return [pair.slice(0, equals).trim(), decodeURIComponent(pair.slice(equals + 1).trim())];
      }),
  );

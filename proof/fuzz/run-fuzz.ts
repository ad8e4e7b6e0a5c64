import type { SeededRandom } from '../support/random';
import { buildRequest, collectionOf, type FuzzRequest, type Operation } from './build-request';
import { createKnownNames } from './known-names';
import { createSender, type FuzzAnswer } from './send';
import type { Schema } from './value-of-schema';

export interface FuzzOptions {
  url: string;
  /** A token that may do everything. */
  token: string;
  random: SeededRandom;
  requests: number;
  connections: number;
  onProgress?: (done: number) => void;
}

export interface FuzzReport {
  seed: number;
  requests: number;
  routes: number;
  /** Answers by status. */
  statuses: Record<string, number>;
  /** What must not happen: each with the request that caused it. */
  findings: string[];
  canaries: { sent: number; counted: number };
}

/** Findings that are kept; further ones are counted. */
const maximumFindings = 50;
/** Every so many requests one event is sent whose count is known. */
const canaryEvery = 50;
const canaryMeter = 'canary_of_the_fuzz';
/** Removing is asked for less often than making, so that there is something to be hostile to. */
const removalShare = 0.25;

interface Description {
  paths: Record<string, Record<string, OperationDescription>>;
  components: { schemas: Record<string, Schema> };
}

interface OperationDescription {
  parameters?: Operation['parameters'];
  requestBody?: { content: Record<string, { schema: Schema }> };
  'x-tollgate-scope'?: string;
}

const operationsOf = ({ paths }: Description): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, description]) => ({
      method: method.toUpperCase(),
      path,
      parameters: description.parameters ?? [],
      scope: description['x-tollgate-scope'] ?? 'manage',
      bodies: Object.fromEntries(
        Object.entries(description.requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema]),
      ),
    })),
  );

/**
 * Sends mutated requests to every route that the server describes, several at once, and says what must not have happened:
 * a 5xx (503 with Retry-After is a refusal), a broken connection, a stack trace or a secret in an answer, a lost or doubled
 * count. The same seed sends the same requests as far as the server's answers, which name what is asked for, are the same.
 */
export const runFuzz = async (options: FuzzOptions): Promise<FuzzReport> => {
  const { url, token, random, connections } = options;
  const sender = createSender(url, connections);
  const call = (method: string, path: string, body?: unknown, type = 'application/json') =>
    sender.send({
      method,
      path,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
    });
  const description = JSON.parse((await call('GET', '/openapi.json')).text) as Description;
  const operations = operationsOf(description);
  const canary = await prepareCanary(call);
  const names = createKnownNames((name) => name === canary.id || name === canaryMeter);
  const source = { random, names, components: description.components.schemas };
  const tokens = { manage: token, portal: await portalToken(call) };
  const report: FuzzReport = {
    seed: random.seed,
    requests: 0,
    routes: operations.length,
    statuses: {},
    findings: [],
    canaries: { sent: 0, counted: 0 },
  };

  const find = (what: string, request: FuzzRequest): void => {
    if (report.findings.length >= maximumFindings) return;
    const body = request.body?.subarray(0, 600).toString('utf8') ?? '';
    const { authorization: _, 'x-api-key': __, ...headers } = request.headers;
    report.findings.push(
      `${what}: ${request.method} ${request.path.slice(0, 300)} ${JSON.stringify(headers)} ${body}`,
    );
  };

  const one = async (): Promise<void> => {
    const operation = pick(operations, random);
    const request = buildRequest(operation, source, tokens);
    try {
      const answer = await sender.send(request);
      report.statuses[answer.status] = (report.statuses[answer.status] ?? 0) + 1;
      const objection = objectionTo(answer, token);
      if (objection) find(objection, request);
      if (answer.status < 300) names.learnFrom(collectionOf(operation.path), parsed(answer.text));
    } catch (error) {
      find(`no answer (${(error as Error).message})`, request);
    }
  };

  const sendCanary = async (number: number): Promise<void> => {
    const event = {
      specversion: '1.0',
      id: `canary-${number}`,
      source: 'fuzz',
      type: canaryMeter,
      subject: 'canary',
    };
    const { status } = await call('POST', '/api/v1/events', event, 'application/cloudevents+json');
    if (status === 204) report.canaries.sent += 1;
  };

  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (report.requests < options.requests) {
        report.requests += 1;
        const number = report.requests;
        await one();
        if (number % canaryEvery === 0) await sendCanary(number);
        options.onProgress?.(number);
      }
    }),
  );
  const counted = JSON.parse((await call('GET', `/api/v1/meters/${canary.id}/query`)).text) as {
    data: { value: number }[];
  };
  report.canaries.counted = counted.data.reduce((sum, { value }) => sum + value, 0);
  if (report.canaries.counted !== report.canaries.sent) {
    report.findings.push(
      `${report.canaries.sent} canaries were accepted, ${report.canaries.counted} are counted`,
    );
  }
  sender.close();
  return report;
};

const pick = (operations: readonly Operation[], random: SeededRandom): Operation => {
  for (;;) {
    const operation = operations[random.below(operations.length)]!;
    if (operation.method !== 'DELETE' || random.next() < removalShare) return operation;
  }
};

const stackTrace = /\n\s+at .+:\d+:\d+|node_modules\//;

const objectionTo = ({ status, headers, text }: FuzzAnswer, token: string): string | undefined => {
  if (status >= 500 && !(status === 503 && headers['retry-after'])) return `answered ${status}`;
  if (text.includes(token)) return 'told the token';
  if (status >= 400 && stackTrace.test(text)) return 'told a stack trace';
  if (headers['x-powered-by']) return 'told what it is built with';
  return undefined;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

type Call = (method: string, path: string, body?: unknown, type?: string) => Promise<FuzzAnswer>;

const prepareCanary = async (call: Call): Promise<{ id: string }> => {
  const made = await call('POST', '/api/v1/meters', {
    slug: canaryMeter,
    eventType: canaryMeter,
    aggregation: 'COUNT',
  });
  if (made.status >= 300) throw new Error(`the meter of the canaries was refused: ${made.text}`);
  return JSON.parse(made.text) as { id: string };
};

const portalToken = async (call: Call): Promise<string> => {
  const made = await call('POST', '/api/v1/portal/tokens', { subject: 'acme-inc' });
  return (JSON.parse(made.text) as { token: string }).token;
};

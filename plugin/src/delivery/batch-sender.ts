import { type Answer, judge, type Verdict } from './answer';
import { type RetrySchedule, retryDelayMs } from './retry-delay';

/** What the sender needs from outside. Times in ms. */
export interface SenderPorts {
  readonly send: (events: readonly Buffer[]) => Promise<Answer>;
  readonly stopCompressing: () => boolean;
  readonly keepDeadLetters: (events: readonly Buffer[], reason: string) => void;
  /** Waits, or returns early when the configuration changed or the process stops. */
  readonly pause: (delayMs: number) => Promise<void>;
  readonly isStopping: () => boolean;
  readonly now: () => number;
  readonly random: () => number;
  readonly report: (outcome: Outcome) => void;
}

/** What happened to some events, for logs and metrics. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly count: number }
  | { readonly kind: 'dead_lettered'; readonly count: number; readonly reason: string }
  | {
      readonly kind: 'retrying';
      readonly count: number;
      readonly reason: string;
      readonly delayMs: number;
      readonly misconfigured: boolean;
    };

/** A wrong token or address is tried again this seldom, unless the configuration changes before. */
const misconfiguredDelayMs = 5_000;

/**
 * Brings the events of one batch to their end: delivered or in the dead-letter file. Returns false only when the
 * process stops first; then nothing of the rest is settled and the journal keeps it.
 */
export async function sendBatch(
  events: readonly Buffer[],
  schedule: RetrySchedule,
  ports: SenderPorts,
): Promise<boolean> {
  const waiting: (readonly Buffer[])[] = [events];
  let failures = 0;
  while (waiting.length > 0) {
    if (ports.isStopping()) return false;
    const group = waiting[0] as readonly Buffer[];
    const verdict = await attempt(group, ports);
    const parts = partsAfter(group, verdict, ports);
    if (parts !== undefined) {
      waiting.splice(0, 1, ...parts);
      failures = 0;
      continue;
    }
    failures += 1;
    await waitAfter(group, verdict, failures, schedule, ports);
  }
  return true;
}

async function attempt(group: readonly Buffer[], ports: SenderPorts): Promise<Verdict> {
  try {
    return judge(await ports.send(group), group.length, ports.now());
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { kind: 'unavailable', reason: code ?? message, retryAfterMs: undefined };
  }
}

/** What of the group is still to be sent, as new groups; undefined when the same group must be tried again later. */
function partsAfter(
  group: readonly Buffer[],
  verdict: Verdict,
  ports: SenderPorts,
): (readonly Buffer[])[] | undefined {
  switch (verdict.kind) {
    case 'delivered':
      ports.report({ kind: 'delivered', count: group.length });
      return [];
    case 'encoding_refused':
      return ports.stopCompressing() ? [group] : undefined;
    case 'too_large':
      return group.length > 1 ? halves(group) : dropped(group, 'HTTP 413: one event is too large', ports, []);
    case 'refused':
      return afterRefusal(group, verdict.indexes, verdict.reason, ports);
    default:
      return undefined;
  }
}

function afterRefusal(
  group: readonly Buffer[],
  indexes: readonly number[],
  reason: string,
  ports: SenderPorts,
): (readonly Buffer[])[] | undefined {
  if (group.length === 1) return dropped(group, reason, ports, []);
  if (indexes.length === 0) return halves(group);
  const bad = new Set(indexes);
  const good = group.filter((_, index) => !bad.has(index));
  return dropped(
    group.filter((_, index) => bad.has(index)),
    reason,
    ports,
    good.length > 0 ? [good] : [],
  );
}

/** Undefined, so a later try, when the dead-letter file cannot be written: an event never just disappears. */
function dropped(
  events: readonly Buffer[],
  reason: string,
  ports: SenderPorts,
  rest: (readonly Buffer[])[],
): (readonly Buffer[])[] | undefined {
  try {
    ports.keepDeadLetters(events, reason);
  } catch {
    return undefined;
  }
  ports.report({ kind: 'dead_lettered', count: events.length, reason });
  return rest;
}

function halves(group: readonly Buffer[]): (readonly Buffer[])[] {
  const middle = Math.ceil(group.length / 2);
  return [group.slice(0, middle), group.slice(middle)];
}

async function waitAfter(
  group: readonly Buffer[],
  verdict: Verdict,
  failures: number,
  schedule: RetrySchedule,
  ports: SenderPorts,
): Promise<void> {
  const isUnavailable = verdict.kind === 'unavailable';
  const delayMs = isUnavailable
    ? retryDelayMs(schedule, failures, ports.random(), verdict.retryAfterMs)
    : Math.max(misconfiguredDelayMs, retryDelayMs(schedule, failures, ports.random(), undefined));
  const reason = 'reason' in verdict ? verdict.reason : `the answer to the batch was ${verdict.kind}`;
  ports.report({ kind: 'retrying', count: group.length, reason, delayMs, misconfigured: !isUnavailable });
  await ports.pause(delayMs);
}

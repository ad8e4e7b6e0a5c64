import type { Access, AccessPolicy } from './access-policy';
import type { ChangeOutcome, KongConsumer } from './drivers/gateway-driver';
import type { GatewayError } from './drivers/gateway-error';
import type { CustomerGrounds } from './grounds-store';
import type { AccessLogEntry } from './log-store';
import {
  type KnownGroups,
  membershipChanges,
  observedAccess,
  type PolicyDecision,
  wantedMemberships,
} from './plan-memberships';
import { retryAt } from './retry-at';
import type { AccessTask, ObservedByPolicy, SeenConsumer, TaskResult } from './task-store';

/** A consumer under work: what is known of its memberships, and whether the gateway has it no more. */
export interface ConsumerWork {
  consumer: KongConsumer;
  known: KnownGroups;
  isGone?: boolean;
}

/** A task with all that its changes follow from. */
export interface TaskWork {
  task: AccessTask;
  grounds: CustomerGrounds;
  decisions: readonly PolicyDecision[];
  /** Every group that policies of the gateway name. */
  groups: readonly string[];
  wanted: ReadonlyMap<string, 'member' | 'absent'>;
  consumers: ConsumerWork[];
  /** Whether a reading of the whole gateway said all about its consumers. */
  isRead?: boolean;
}

type LoggedOutcome = Omit<AccessLogEntry, 'id' | 'gatewayId' | 'gatewayKey' | 'callMs'>;

export interface DescribedOutcome {
  result: TaskResult;
  logged: LoggedOutcome[];
  /** Ids of consumers that the gateway has no more. */
  gone: string[];
}

interface DoneConsumer {
  consumer: KongConsumer;
  before: KnownGroups;
  after: KnownGroups;
  outcomes: ReadonlyMap<string, ChangeOutcome>;
}

/** What a worked-on task leaves behind: the state, the log, and the consumers to forget. Pure. */
export const describeOutcome = (
  work: TaskWork,
  allOutcomes: ReadonlyMap<string, ChangeOutcome>,
  now: number,
): DescribedOutcome => {
  const done = work.consumers
    .filter(({ isGone }) => !isGone)
    .map((item) => afterChanges(item, work, allOutcomes));
  const error = errorOf(work, done);
  const gone = [
    ...work.consumers.filter(({ isGone }) => isGone).map(({ consumer }) => consumer.id),
    ...done.filter(isMissing).map(({ consumer }) => consumer.id),
  ];
  const present = done.filter((item) => !isMissing(item));
  const { task } = work;
  return {
    gone,
    logged: work.decisions.flatMap((decision) => logOf(work, decision, done, now)),
    result: {
      customerId: task.customerId,
      generation: task.generation,
      consumers: present.map(seenOf),
      observed: observe(work, present, now),
      retryAt: error ? retryAt(error.code, task.attempts, now) : null,
      error: error && {
        code: error.code,
        message: error.message,
        since: task.errorCode === error.code ? (task.errorSince ?? now) : now,
      },
    },
  };
};

const afterChanges = (
  { consumer, known }: ConsumerWork,
  { wanted }: TaskWork,
  allOutcomes: ReadonlyMap<string, ChangeOutcome>,
): DoneConsumer => {
  const after: Record<string, KnownGroups[string]> = { ...known };
  const outcomes = new Map<string, ChangeOutcome>();
  for (const { group } of membershipChanges(wanted, known)) {
    const outcome = allOutcomes.get(`${consumer.id} ${group}`);
    if (!outcome) continue;
    outcomes.set(group, outcome);
    if (outcome.outcome !== 'failed') after[group] = wanted.get(group)!;
  }
  return { consumer, before: known, after, outcomes };
};

const failureOf = ({ outcomes }: DoneConsumer): GatewayError | undefined => {
  for (const outcome of outcomes.values()) if (outcome.outcome === 'failed') return outcome.error;
  return undefined;
};

const isMissing = (item: DoneConsumer): boolean => failureOf(item)?.code === 'consumer_missing';

const errorOf = (
  { grounds, decisions, consumers }: TaskWork,
  done: readonly DoneConsumer[],
): { code: string; message: string } | null => {
  const failure = done.map(failureOf).find((error) => error !== undefined);
  if (failure) return failure;
  const isManaged = decisions.some(({ decision }) => decision.access !== 'unmanaged');
  if (!isManaged || grounds.subjects.length === 0) return null;
  if (consumers.some(({ isGone }) => !isGone)) return null;
  const keys = grounds.subjects.slice(0, 5).map((key) => `"${key}"`);
  return {
    code: 'consumer_missing',
    message: `the gateway has no consumer whose username, custom_id or consumer:<id> is ${keys.join(' or ')}`,
  };
};

const seenOf = ({ consumer, after }: DoneConsumer): SeenConsumer => ({
  id: consumer.id,
  username: consumer.username,
  customId: consumer.customId,
  groups: after,
});

const observe = (
  { task, decisions }: TaskWork,
  done: readonly DoneConsumer[],
  now: number,
): ObservedByPolicy =>
  observeConsumers(
    decisions,
    done.map(({ after }) => after),
    task.observed,
    task.cause,
    now,
  );

/** What the memberships of a customer's consumers amount to under each policy, and since when. */
export const observeConsumers = (
  decisions: readonly PolicyDecision[],
  consumers: readonly KnownGroups[],
  before: ObservedByPolicy,
  cause: string,
  now: number,
): ObservedByPolicy =>
  Object.fromEntries(
    decisions.map(({ policy, decision }) => {
      const each = new Set(consumers.map((known) => observedAccess(policy, known)));
      const access = each.size === 0 ? 'unknown' : each.size === 1 ? [...each][0]! : 'partial';
      const previous = before[policy.id];
      const kept = previous?.access === access ? previous : { access, since: now, cause };
      const told = policy.mode === 'observe' && decision.access !== 'unmanaged' ? decision.access : null;
      return [policy.id, { access, since: kept.since, cause: kept.cause, told }];
    }),
  );

const logOf = (
  work: TaskWork,
  { policy, decision }: PolicyDecision,
  done: readonly DoneConsumer[],
  now: number,
): LoggedOutcome[] => {
  if (decision.access === 'unmanaged') return [];
  const { task, grounds } = work;
  const base = (item: DoneConsumer): Omit<LoggedOutcome, 'outcome' | 'changes' | 'errorCode' | 'error'> => ({
    at: now,
    policyId: policy.id,
    featureKey: policy.featureKey,
    customerId: task.customerId,
    customerKey: grounds.key,
    consumerId: item.consumer.id,
    consumer: item.consumer.username,
    access: decision.access as Access,
    reason: decision.reason,
    cause: task.cause,
    causedAt: task.causedAt,
    durationMs: Math.max(0, now - task.causedAt),
  });
  if (policy.mode === 'observe') return wouldBeLogged(work, policy, decision.access, done, base);
  return done.flatMap((item) => {
    const own = [...policy.leave, ...policy.join].flatMap((group) => {
      const outcome = item.outcomes.get(group);
      return outcome ? [{ group, outcome }] : [];
    });
    if (own.length === 0) return [];
    const failed = own.map(({ outcome }) => outcome).find((outcome) => outcome.outcome === 'failed');
    // The same failure again is told by the state, not by a line for each attempt.
    if (failed && failed.error.code === task.errorCode) return [];
    return [
      {
        ...base(item),
        outcome: failed
          ? 'failed'
          : own.some(({ outcome }) => outcome.outcome === 'done')
            ? 'done'
            : 'already',
        changes: own.map(({ group, outcome }) => ({
          group,
          action: work.wanted.get(group) === 'member' ? ('add' as const) : ('remove' as const),
          answer: outcome.outcome === 'failed' ? outcome.error.message : outcome.answer,
        })),
        errorCode: failed?.error.code ?? null,
        error: failed?.error.message ?? null,
      },
    ];
  });
};

/** What an observing policy would do, told once for each time its decision changes. */
const wouldBeLogged = (
  { task }: TaskWork,
  policy: AccessPolicy,
  access: Access,
  done: readonly DoneConsumer[],
  base: (item: DoneConsumer) => Omit<LoggedOutcome, 'outcome' | 'changes' | 'errorCode' | 'error'>,
): LoggedOutcome[] => {
  if (task.observed[policy.id]?.told === access) return [];
  const enforced: AccessPolicy = { ...policy, mode: 'enforce' };
  const wanted = wantedMemberships([{ policy: enforced, decision: { access, reason: 'entitled' } }]);
  return done.flatMap((item) => {
    const changes = membershipChanges(wanted, item.after);
    if (changes.length === 0) return [];
    return [
      {
        ...base(item),
        outcome: 'would' as const,
        changes: changes.map((change) => ({ ...change, answer: 'observe mode: not done' })),
        errorCode: null,
        error: null,
      },
    ];
  });
};

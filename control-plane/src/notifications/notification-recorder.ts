import type { Evaluation, UsageReset } from '../entitlements';
import type { IdentifierSource } from '../primitives/identifiers';
import type { Transaction } from '../storage';
import type { FactRecorder, ThresholdCrossed } from '../thresholds';
import { saveEvents } from './event-store';
import type { NewEvent } from './notification-event';
import { payloadOf, ruleSnapshot, snapshotOf, thresholdOf } from './payload';
import type { Rule } from './rule';
import { rulesInForce } from './rule-store';
import { readSnapshotFacts, type SnapshotFacts } from './snapshot-store';

export interface NotificationRecorderOptions {
  newId: IdentifierSource;
  /** New deliveries for these channels are being recorded: called in the transaction that records them. */
  announce(transaction: Transaction, channelIds: readonly string[]): Promise<void>;
}

/** An invoice as billing shows it: at least its id. */
export interface InvoiceSnapshot extends Record<string, unknown> {
  id: string;
}

/**
 * Records what facts say to people: one event a (rule, fact) and one delivery a channel, in the transaction that
 * established the facts. So a crossing that is committed is told, whatever crashes, and one that is rolled back is not.
 */
export const createNotificationRecorder = ({ newId, announce }: NotificationRecorderOptions) => {
  const save = async (transaction: Transaction, events: readonly NewEvent[], now: number): Promise<void> => {
    const channelIds = await saveEvents(transaction, events, now);
    if (channelIds.length > 0) await announce(transaction, channelIds);
  };

  const record: FactRecorder = async (transaction, { crossings, resets }, now) => {
    const told = newestResets(resets);
    if (crossings.length === 0 && told.length === 0) return;
    const ruleIds = [...new Set(crossings.map(({ ruleId }) => ruleId))];
    const rules = await rulesInForce(transaction, ruleIds, told.length > 0 ? ['entitlements.reset'] : []);
    if (rules.length === 0) return;
    const evaluations = [...crossings, ...told].map(({ evaluation }) => evaluation);
    const facts = await readSnapshotFacts(transaction, evaluations);
    const events = [
      ...crossings.flatMap((crossing) => crossingEvents(crossing, rules, facts)),
      ...told.flatMap((reset) => resetEvents(reset, rules, facts)),
    ];
    await save(transaction, events, now);
  };

  const crossingEvents = (
    crossing: ThresholdCrossed,
    rules: readonly Rule[],
    facts: SnapshotFacts,
  ): NewEvent[] =>
    rules
      .filter(({ id }) => id === crossing.ruleId)
      .map((rule) => ({
        ...eventOf(rule, crossing.evaluation, crossing.crossedAt, facts, {
          threshold: thresholdOf(crossing.line),
        }),
        onceKey: `crossing ${crossing.id}`,
      }));

  const resetEvents = (
    { evaluation, at }: UsageReset,
    rules: readonly Rule[],
    facts: SnapshotFacts,
  ): NewEvent[] =>
    rules
      .filter((rule) => rule.type === 'entitlements.reset' && concerns(rule, evaluation))
      .map((rule) => ({
        ...eventOf(rule, evaluation, at, facts, {}),
        onceKey: `reset ${rule.id} ${evaluation.entitlement.id} ${at}`,
      }));

  const eventOf = (
    rule: Rule,
    evaluation: Evaluation,
    at: number,
    facts: SnapshotFacts,
    more: Record<string, unknown>,
  ): NewEvent => {
    const id = newId();
    const { subjectId, subjectKey, data } = snapshotOf(evaluation, facts);
    return {
      id,
      rule,
      createdAt: at,
      featureId: evaluation.feature.id,
      featureKey: evaluation.feature.key,
      subjectId,
      subjectKey,
      payload: payloadOf(id, rule, at, { rule: ruleSnapshot(rule), ...data, ...more }),
    };
  };

  return {
    record,

    /**
     * Tells that an invoice was created or changed its state, over every rule for that; called in the transaction that
     * did it. The invoice is sent as it is given.
     */
    recordInvoiceEvent: async (
      transaction: Transaction,
      type: 'invoice.created' | 'invoice.updated',
      invoice: InvoiceSnapshot,
      now: number,
    ): Promise<void> => {
      const rules = await rulesInForce(transaction, [], [type]);
      const events = rules.map((rule) => {
        const id = newId();
        return { id, rule, createdAt: now, payload: payloadOf(id, rule, now, invoice) };
      });
      await save(transaction, events, now);
    },

    /**
     * Tells a report of meter events that could not be counted, over every rule for its type; called in the transaction that
     * makes the report.
     */
    recordMeterReport: async (
      transaction: Transaction,
      type: 'v1.billing.meter.error_report_triggered' | 'v1.billing.meter.no_meter_found',
      report: Record<string, unknown>,
      now: number,
    ): Promise<void> => {
      const rules = await rulesInForce(transaction, [], [type]);
      const events = rules.map((rule) => {
        const id = newId();
        return { id, rule, createdAt: now, payload: payloadOf(id, rule, now, report) };
      });
      await save(transaction, events, now);
    },

    save,
  };
};

export type NotificationRecorder = ReturnType<typeof createNotificationRecorder>;

const concerns = ({ features }: Rule, { feature }: Evaluation): boolean =>
  features === null ||
  features.some(({ reference }) => reference === feature.id || reference === feature.key);

/**
 * The newest reset of each entitlement. A control plane that was down for several periods tells the one that the snapshot
 * belongs to; the others lie behind it, and nobody can act on them any more.
 */
const newestResets = (resets: readonly UsageReset[]): UsageReset[] => {
  const newest = new Map<string, UsageReset>();
  for (const reset of resets) {
    const { id } = reset.evaluation.entitlement;
    const known = newest.get(id);
    if (!known || reset.at > known.at) newest.set(id, reset);
  }
  return [...newest.values()];
};

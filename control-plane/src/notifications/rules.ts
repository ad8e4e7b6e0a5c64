import type { Clock } from '../primitives/clock';
import { toQuantity } from '../primitives/decimal';
import type { IdentifierSource } from '../primitives/identifiers';
import { invalid, notFound } from '../primitives/refusal';
import { changeDefinitions, type Database, type Queryable, type Transaction } from '../storage';
import { removeWatch, saveWatch } from '../thresholds';
import { findChannels } from './channel-store';
import type { Page } from './page';
import type { Rule, RuleFeature, RuleInput } from './rule';
import { findRules, listRules, type RuleListRequest, resolveFeatures, saveRule } from './rule-store';

export interface RulesOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
}

/**
 * The rules as they are administered. Every change is a change of the definitions: events committed before it are judged
 * by the old rule, those after it by the new one. What a new rule finds already crossed is told with the next event of
 * the entitlement.
 */
export const createRules = ({ database, clock, newId }: RulesOptions) => {
  const get = async (queryable: Queryable, id: string): Promise<Rule> => {
    const [rule] = await findRules(queryable, [id]);
    if (!rule) throw notFound('notification rule', id);
    return rule;
  };

  const write = async (transaction: Transaction, rule: Rule): Promise<Rule> => {
    await saveRule(transaction, rule);
    if (rule.thresholds && !rule.isDisabled && rule.deletedAt === null) {
      await saveWatch(transaction, {
        ruleId: rule.id,
        features: rule.features?.map(({ reference }) => reference) ?? null,
        lines: rule.thresholds.map(({ type, value }) => ({ type, value: toQuantity(value) })),
      });
    } else await removeWatch(transaction, rule.id);
    return get(transaction, rule.id);
  };

  const changing = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      return work(transaction);
    });

  return {
    create: (input: RuleInput): Promise<Rule> =>
      changing(async (transaction) => {
        const now = clock.now();
        const features = await checkFeatures(transaction, input.features);
        const channels = await checkChannels(transaction, input.channels);
        const rule = {
          ...input,
          features,
          channels,
          id: newId(),
          createdAt: now,
          updatedAt: now,
          deletedAt: null,
        };
        return write(transaction, rule);
      }),

    /** Replaces all of a rule but its type. */
    replace: (id: string, input: RuleInput): Promise<Rule> =>
      changing(async (transaction) => {
        const present = await get(transaction, id);
        if (present.deletedAt !== null) {
          throw invalid('rule_deleted', 'a deleted rule cannot be changed; create a new one');
        }
        if (present.type !== input.type) {
          const message = `must stay ${present.type}; create a new rule for another type`;
          throw invalid('rule_type_fixed', `type: ${message}`, [{ code: 'fixed', field: '$.type', message }]);
        }
        const features = await checkFeatures(transaction, input.features);
        const channels = await checkChannels(transaction, input.channels);
        return write(transaction, { ...present, ...input, features, channels, updatedAt: clock.now() });
      }),

    get: (id: string): Promise<Rule> => get(database, id),

    list: (request: RuleListRequest): Promise<Page<Rule>> => listRules(database, request),

    /** Deletes a rule: it tells nothing any more; what it told stays, and is delivered to the end. */
    remove: (id: string): Promise<void> =>
      changing(async (transaction) => {
        const rule = await get(transaction, id);
        if (rule.deletedAt !== null) return;
        await write(transaction, { ...rule, updatedAt: clock.now(), deletedAt: clock.now() });
      }),
  };
};

export type Rules = ReturnType<typeof createRules>;

const checkFeatures = async (
  transaction: Transaction,
  references: readonly string[] | null,
): Promise<RuleFeature[] | null> => {
  if (references === null) return null;
  const features = await resolveFeatures(transaction, [...new Set(references)]);
  const known = new Set(features.map(({ reference }) => reference));
  const mistakes = references.flatMap((reference, index) =>
    known.has(reference)
      ? []
      : [
          {
            code: 'feature_not_found',
            field: `$.features[${index}]`,
            message: `there is no feature "${reference}"`,
          },
        ],
  );
  if (mistakes.length > 0) throw invalid('validation_failed', mistakes[0]!.message, mistakes);
  return features;
};

const checkChannels = async (transaction: Transaction, ids: readonly string[]): Promise<Rule['channels']> => {
  const distinct = [...new Set(ids)];
  const found = await findChannels(transaction, distinct, { forUpdate: true });
  const usable = new Set(found.filter(({ deletedAt }) => deletedAt === null).map(({ id }) => id));
  const mistakes = ids.flatMap((id, index) =>
    usable.has(id)
      ? []
      : [
          {
            code: 'channel_not_found',
            field: `$.channels[${index}]`,
            message: `there is no channel "${id}"`,
          },
        ],
  );
  if (mistakes.length > 0) throw invalid('validation_failed', mistakes[0]!.message, mistakes);
  return distinct.map((id) => ({ id, type: 'WEBHOOK' as const }));
};

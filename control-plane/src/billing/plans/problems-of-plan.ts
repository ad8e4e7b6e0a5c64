import type { Feature } from '../../catalog';
import { DAY_MS, HOUR_MS, meanLengthMs, parseDuration, parseInterval } from '../../primitives/durations';
import type { FieldError } from '../../primitives/refusal';
import { minorUnitsOf } from '../pricing/currencies';
import { problemsOfDiscounts, problemsOfPrice } from '../pricing/price';
import type { Plan, PlanPhase } from './plan';
import { discountsOf, priceOf, type RateCard } from './rate-card';

/** Shorter periods of billing would make more invoices than anybody reads. */
const shortestCadenceMs = DAY_MS;

const problem = (field: string, code: string, message: string): FieldError => ({ field, code, message });

/**
 * What keeps a draft from being published; empty when it is sound. A draft may have problems: it shows them, so that
 * whoever edits it sees all of them together.
 *
 * @param features the active features by key
 */
export const problemsOfPlan = (
  plan: Pick<Plan, 'currency' | 'billingCadence' | 'phases'>,
  features: ReadonlyMap<string, Feature>,
): FieldError[] => {
  const problems: FieldError[] = [];
  if (minorUnitsOf(plan.currency) === undefined) {
    problems.push(problem('$.currency', 'unknown_currency', 'must be an ISO 4217 code such as USD'));
  }
  if (!isCadence(plan.billingCadence)) problems.push(cadenceProblem('$.billingCadence'));
  if (plan.phases.length === 0) {
    problems.push(problem('$.phases', 'plan_without_phases', 'must hold at least one phase'));
  }
  plan.phases.forEach((phase, index) => {
    const path = `$.phases[${index}]`;
    const isLast = index === plan.phases.length - 1;
    problems.push(...problemsOfPhase(phase, isLast, path));
    if (plan.phases.findIndex(({ key }) => key === phase.key) < index) {
      problems.push(problem(`${path}.key`, 'duplicate_key', `another phase has the key "${phase.key}" too`));
    }
    phase.rateCards.forEach((card, position) => {
      const cardPath = `${path}.rateCards[${position}]`;
      problems.push(...problemsOfRateCard(card, features, cardPath));
      if (phase.rateCards.findIndex(({ key }) => key === card.key) < position) {
        const message = `another rate card of the phase has the key "${card.key}" too`;
        problems.push(problem(`${cardPath}.key`, 'duplicate_key', message));
      }
    });
  });
  return problems;
};

const isCadence = (text: string): boolean => parseInterval(text, shortestCadenceMs) !== undefined;

const cadenceProblem = (field: string): FieldError =>
  problem(field, 'invalid_cadence', 'must be an ISO 8601 duration of at least a day, such as P1M');

const problemsOfPhase = ({ duration, rateCards }: PlanPhase, isLast: boolean, path: string): FieldError[] => {
  const problems: FieldError[] = [];
  const field = `${path}.duration`;
  const length = duration === null ? undefined : parseDuration(duration);
  if (isLast && duration !== null) {
    problems.push(problem(field, 'last_phase_with_duration', 'must be null: the last phase has no end'));
  }
  if (!isLast && (!length || meanLengthMs(length) < HOUR_MS)) {
    const message = 'must be an ISO 8601 duration of at least an hour: another phase follows';
    problems.push(problem(field, 'phase_without_duration', message));
  }
  if (rateCards.length === 0) {
    problems.push(
      problem(`${path}.rateCards`, 'phase_without_rate_cards', 'must hold at least one rate card'),
    );
  }
  return problems;
};

/** What is wrong with a rate card, wherever it stands; empty when it is sound. */
export const problemsOfRateCard = (
  card: RateCard,
  features: ReadonlyMap<string, Feature>,
  path: string,
): FieldError[] => {
  const problems: FieldError[] = [];
  const feature = card.featureKey === undefined ? undefined : features.get(card.featureKey);
  if (card.featureKey !== undefined && !feature) {
    const message = `there is no feature "${card.featureKey}"; create it first`;
    problems.push(problem(`${path}.featureKey`, 'feature_not_found', message));
  }
  if (card.featureKey !== undefined && card.key !== card.featureKey) {
    const message = `must be the feature's key, "${card.featureKey}"`;
    problems.push(problem(`${path}.key`, 'rate_card_key_mismatch', message));
  }
  if (card.billingCadence !== null && !isCadence(card.billingCadence)) {
    problems.push(cadenceProblem(`${path}.billingCadence`));
  }
  return [...problems, ...problemsOfTerms(card, feature, path), ...problemsOfTemplate(card, feature, path)];
};

const problemsOfTerms = (card: RateCard, feature: Feature | undefined, path: string): FieldError[] => {
  if (card.price === null) return [];
  const price = priceOf(card.price);
  const usesUsage = price.type !== 'flat';
  return [
    ...problemsOfPrice(price).map(({ field, message }) =>
      problem(`${path}.price.${nameInTerms(field)}`, 'invalid_price', message),
    ),
    ...problemsOfDiscounts(discountsOf(card.discounts), price).map(({ field, message }) => {
      const name = field === 'percentage' ? 'percentage.percentage' : 'usage.quantity';
      return problem(`${path}.discounts.${name}`, 'invalid_discount', message);
    }),
    ...(usesUsage && (!feature || feature.meterId === null)
      ? [
          problem(
            `${path}.featureKey`,
            'feature_without_meter',
            'a price by usage needs a feature that has a meter',
          ),
        ]
      : []),
  ];
};

/** The pure price's names of fields, as callers write them. */
const nameInTerms = (field: string): string =>
  field
    .replace('.upTo', '.upToAmount')
    .replace('.flatAmount', '.flatPrice')
    .replace('.unitAmount', '.unitPrice');

const problemsOfTemplate = (card: RateCard, feature: Feature | undefined, path: string): FieldError[] => {
  const template = card.entitlementTemplate;
  if (!template) return [];
  const at = `${path}.entitlementTemplate`;
  if (card.featureKey === undefined) {
    return [problem(`${path}.featureKey`, 'feature_required', 'an entitlement template needs a feature')];
  }
  if (template.type === 'static') {
    return isJson(template.config)
      ? []
      : [problem(`${at}.config`, 'invalid_json', 'must be JSON as text, for example "{\\"limit\\": 5}"')];
  }
  if (template.type === 'boolean') return [];
  const problems: FieldError[] = [];
  if (feature && feature.meterId === null) {
    const message = `the feature "${feature.key}" has no meter; use a boolean or static template`;
    problems.push(problem(`${at}.type`, 'feature_without_meter', message));
  }
  const usagePeriod = template.usagePeriod ?? card.billingCadence;
  if (usagePeriod === null || !parseInterval(usagePeriod)) {
    const message =
      'must be an ISO 8601 duration of at least an hour, as there is no billing cadence to follow';
    problems.push(problem(`${at}.usagePeriod`, 'invalid_interval', message));
  }
  return problems;
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

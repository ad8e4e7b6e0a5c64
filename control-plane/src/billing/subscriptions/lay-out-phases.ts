import { addDuration, parseDuration } from '../../primitives/durations';
import type { IdentifierSource } from '../../primitives/identifiers';
import { invalid } from '../../primitives/refusal';
import type { Plan } from '../plans/plan';
import type { SubscriptionPhase } from './subscription';

/**
 * The phases of a plan in time, each beginning where the one before ends; those before `startingPhase` are left out. Pure.
 *
 * @param featureIds the ids of the features that rate cards name, by key
 * @throws Refusal `invalid_subscription` when the plan has no such phase
 */
export const layOutPhases = (
  plan: Pick<Plan, 'key' | 'phases'>,
  startingPhase: string | undefined,
  activeFrom: number,
  featureIds: ReadonlyMap<string, string>,
  newId: IdentifierSource,
): SubscriptionPhase[] => {
  const first = startingPhase === undefined ? 0 : plan.phases.findIndex(({ key }) => key === startingPhase);
  if (first === -1) {
    const known = plan.phases.map(({ key }) => key).join(', ');
    const message = `the plan "${plan.key}" has no phase "${startingPhase}"; it has: ${known}`;
    throw invalid('invalid_subscription', message, [
      { code: 'phase_not_found', field: '$.startingPhase', message },
    ]);
  }
  let from = activeFrom;
  return plan.phases.slice(first).map(({ rateCards, duration, ...phase }) => {
    const length = duration === null ? undefined : parseDuration(duration);
    const to = length ? addDuration(from, length) : null;
    const laidOut: SubscriptionPhase = {
      ...phase,
      id: newId(),
      activeFrom: from,
      activeTo: to,
      items: rateCards.map((card) => ({
        id: newId(),
        card,
        featureId: featureIds.get(card.featureKey ?? '') ?? null,
        entitlementId: null,
      })),
    };
    from = to ?? from;
    return laidOut;
  });
};

import type { Clock } from '../../primitives/clock';
import { conflict, invalid, notFound } from '../../primitives/refusal';
import type { Database, Transaction } from '../../storage';
import { type Plan, statusOfPlan } from '../plans/plan';
import { findPlanById, lockPlanKey } from '../plans/plan-store';
import { type Addon, type PlanAddon, statusOfAddon } from './addon';
import { requiredAddon } from './addons';
import { misfitOf } from './misfit-of-card';
import { deletePlanAddon, findPlanAddon, writePlanAddon } from './plan-addon-store';

export interface PlanAddonsOptions {
  database: Database;
  clock: Clock;
}

/** What a caller decides about an add-on that a plan offers. */
export type PlanAddonTerms = Pick<PlanAddon, 'fromPlanPhase' | 'maxQuantity' | 'metadata'>;

/** Says which add-ons a plan offers, and refuses those that do not fit its rate cards. */
export const createPlanAddons = ({ database, clock }: PlanAddonsOptions) => {
  /** Runs a change of what a plan offers, alone among changes of the plan. */
  const changing = async <T>(
    planId: string,
    change: (transaction: Transaction, plan: Plan, now: number) => Promise<T>,
  ): Promise<T> => {
    const plan = await findPlanById(database, planId);
    if (!plan || plan.deletedAt !== null) throw notFound('plan', planId);
    return database.transaction(async (transaction) => {
      await lockPlanKey(transaction, plan.key);
      const current = await findPlanById(transaction, planId);
      if (!current || current.deletedAt !== null) throw notFound('plan', planId);
      return change(transaction, current, clock.now());
    });
  };

  return {
    /**
     * Lets a plan offer an add-on.
     * @throws Refusal `plan_not_found`, `addon_not_found`, `plan_addon_exists`, `invalid_plan_addon` naming the field
     */
    create: (planId: string, addonId: string, terms: PlanAddonTerms): Promise<PlanAddon> =>
      changing(planId, async (transaction, plan, now) => {
        const addon = await requiredAddon(transaction, addonId);
        if (await findPlanAddon(transaction, planId, addonId)) {
          const message = `the plan offers the add-on "${addon.key}" already; update it instead`;
          throw conflict('plan_addon_exists', message, { conflictingEntityId: addon.id });
        }
        const planAddon = { ...terms, planId, addon, createdAt: now, updatedAt: now };
        refuseUnfit(plan, planAddon, now);
        await writePlanAddon(transaction, planAddon);
        return planAddon;
      }),

    /** @throws Refusal as create, and `plan_addon_not_found` */
    replace: (planId: string, addonIdOrKey: string, terms: PlanAddonTerms): Promise<PlanAddon> =>
      changing(planId, async (transaction, plan, now) => {
        const found = await findPlanAddon(transaction, planId, addonIdOrKey);
        if (!found) throw notFound('plan addon', addonIdOrKey);
        const changed = { ...found, ...terms, updatedAt: now };
        refuseUnfit(plan, changed, now);
        await writePlanAddon(transaction, changed);
        return changed;
      }),

    /** @throws Refusal `plan_addon_not_found` */
    get: async (planId: string, addonIdOrKey: string): Promise<PlanAddon> => {
      const found = await findPlanAddon(database, planId, addonIdOrKey);
      if (!found) throw notFound('plan addon', addonIdOrKey);
      return found;
    },

    /** @throws Refusal `plan_addon_not_found` */
    delete: (planId: string, addonIdOrKey: string): Promise<void> =>
      changing(planId, async (transaction) => {
        const found = await findPlanAddon(transaction, planId, addonIdOrKey);
        if (!found) throw notFound('plan addon', addonIdOrKey);
        await deletePlanAddon(transaction, found);
      }),
  };
};

export type PlanAddons = ReturnType<typeof createPlanAddons>;

const refuseUnfit = (plan: Plan, planAddon: PlanAddon, now: number): void => {
  const refuse = (field: string, code: string, message: string) =>
    invalid('invalid_plan_addon', `${field} ${message}`, [{ code, field, message }]);
  const { addon, fromPlanPhase, maxQuantity } = planAddon;
  if (statusOfPlan(plan, now) === 'archived')
    throw conflict(
      'plan_archived',
      `version ${plan.version} of "${plan.key}" is archived and offers nothing new`,
    );
  if (statusOfAddon(addon, now) !== 'active')
    throw refuse('$.addonId', 'addon_not_active', `is of an add-on that is ${statusOfAddon(addon, now)}`);
  if (addon.currency !== plan.currency) {
    const message = `is of an add-on in ${addon.currency}; the plan's currency is ${plan.currency}`;
    throw refuse('$.addonId', 'currency_mismatch', message);
  }
  const from = plan.phases.findIndex(({ key }) => key === fromPlanPhase);
  if (from === -1) {
    const known = plan.phases.map(({ key }) => key).join(', ');
    throw refuse('$.fromPlanPhase', 'phase_not_found', `must be a phase of the plan; it has: ${known}`);
  }
  if (addon.instanceType === 'single' && maxQuantity !== null) {
    const message = 'must be left out: the add-on can be taken once only';
    throw refuse('$.maxQuantity', 'single_instance', message);
  }
  const misfit = misfitIn(plan, from, addon);
  if (misfit !== undefined) throw refuse('$.addonId', 'addon_does_not_fit', misfit);
};

const misfitIn = (plan: Plan, fromPhase: number, addon: Addon): string | undefined => {
  for (const phase of plan.phases.slice(fromPhase)) {
    for (const card of addon.rateCards) {
      const base = phase.rateCards.find(({ key }) => key === card.key);
      const misfit = base && misfitOf(base, card);
      if (misfit) return `has a rate card "${card.key}" that ${misfit} in the phase "${phase.key}"`;
    }
  }
  return undefined;
};

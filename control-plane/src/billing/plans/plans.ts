import type { Clock } from '../../primitives/clock';
import type { IdentifierSource } from '../../primitives/identifiers';
import { conflict, type FieldError, invalid, notFound } from '../../primitives/refusal';
import type { Database, Queryable, Transaction } from '../../storage';
import { featuresOfCards } from './features-of-cards';
import { type Plan, type PlanDetails, statusOfPlan } from './plan';
import {
  findPlanById,
  insertPlan,
  lockPlanKey,
  markPlanDeleted,
  nextVersionOf,
  setEffective,
  updatePlan,
  versionsOfPlan,
} from './plan-store';
import { problemsOfPlan } from './problems-of-plan';

export interface PlansOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
}

/** Drafts, publishes and archives plans. A published version never changes; a change is a next version. */
export const createPlans = ({ database, clock, newId }: PlansOptions) => {
  const draftOf = async (
    transaction: Transaction,
    key: string,
    currency: string,
    details: PlanDetails,
  ): Promise<Plan> => {
    const now = clock.now();
    const plan: Plan = {
      ...details,
      id: newId(),
      key,
      version: await nextVersionOf(transaction, key),
      currency,
      effectiveFrom: null,
      effectiveTo: null,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    };
    await insertPlan(transaction, plan);
    return plan;
  };

  /** Runs a change of one plan, alone among changes of its key. */
  const changing = async <T>(
    id: string,
    change: (transaction: Transaction, plan: Plan, now: number) => Promise<T>,
  ): Promise<T> => {
    const found = await required(database, id);
    return database.transaction(async (transaction) => {
      await lockPlanKey(transaction, found.key);
      return change(transaction, await required(transaction, id), clock.now());
    });
  };

  return {
    /**
     * Creates a draft: the first version of a key, or its next one.
     * @throws Refusal `plan_draft_exists`
     */
    create: (key: string, currency: string, details: PlanDetails): Promise<Plan> =>
      database.transaction(async (transaction) => {
        await lockPlanKey(transaction, key);
        refuseSecondDraft(await versionsOfPlan(transaction, key));
        return draftOf(transaction, key, currency, details);
      }),

    /**
     * Copies the newest published version of a key into a new draft.
     * @throws Refusal `plan_not_found`, `plan_draft_exists`, `plan_not_latest`
     */
    next: async (idOrKey: string): Promise<Plan> => {
      const byId = await findPlanById(database, idOrKey);
      const key = byId && byId.deletedAt === null ? byId.key : idOrKey;
      return database.transaction(async (transaction) => {
        await lockPlanKey(transaction, key);
        const versions = await versionsOfPlan(transaction, key);
        if (versions.length === 0) throw notFound('plan', idOrKey);
        refuseSecondDraft(versions);
        const latest = versions[0]!;
        if (byId && byId.id !== latest.id) {
          const message = `version ${byId.version} is not the latest of "${key}"; start from version ${latest.version}`;
          throw conflict('plan_not_latest', message, { latestId: latest.id });
        }
        return draftOf(transaction, key, latest.currency, latest);
      });
    },

    /** @throws Refusal `plan_not_found`, `plan_not_draft` */
    replace: (id: string, details: PlanDetails): Promise<Plan> =>
      changing(id, async (transaction, plan, now) => {
        refuseUnlessDraft(plan, now);
        await updatePlan(transaction, id, details, now);
        return { ...plan, ...details, updatedAt: now };
      }),

    /**
     * Puts a draft in force; the version in force until now is archived with it.
     * @throws Refusal `plan_not_found`, `plan_not_draft`, `plan_incomplete` naming each field
     */
    publish: (id: string): Promise<Plan> =>
      changing(id, async (transaction, plan, now) => {
        refuseUnlessDraft(plan, now);
        const problems = await problemsNow(transaction, plan);
        if (problems.length > 0) {
          const message = `the plan cannot be published: ${problems[0]!.field} ${problems[0]!.message}`;
          throw invalid('plan_incomplete', message, problems);
        }
        const versions = await versionsOfPlan(transaction, plan.key);
        for (const version of versions.filter((other) => statusOfPlan(other, now) === 'active')) {
          await setEffective(transaction, version.id, version.effectiveFrom!, now, now);
        }
        await setEffective(transaction, id, now, null, now);
        return { ...plan, effectiveFrom: now, updatedAt: now };
      }),

    /**
     * Takes a version out of force; its subscriptions go on, no new ones can be made.
     * @throws Refusal `plan_not_found`, `plan_not_active`
     */
    archive: (id: string): Promise<Plan> =>
      changing(id, async (transaction, plan, now) => {
        if (statusOfPlan(plan, now) !== 'active') {
          throw conflict('plan_not_active', 'only a plan that is active can be archived; publish it first');
        }
        await setEffective(transaction, id, plan.effectiveFrom!, now, now);
        return { ...plan, effectiveTo: now, updatedAt: now };
      }),

    /**
     * Deletes a draft or an archived version.
     * @throws Refusal `plan_not_found`, `plan_active`
     */
    delete: (id: string): Promise<void> =>
      changing(id, async (transaction, plan, now) => {
        if (!['draft', 'archived'].includes(statusOfPlan(plan, now))) {
          throw conflict('plan_active', 'a plan that is active cannot be deleted; archive it first');
        }
        await markPlanDeleted(transaction, id, now);
      }),

    /**
     * A plan by its id, or the newest published version of a key (or its draft, where `includeLatest`).
     * @throws Refusal `plan_not_found`
     */
    get: async (idOrKey: string, includeLatest = false): Promise<Plan> => {
      const byId = await findPlanById(database, idOrKey);
      if (byId) return byId;
      const versions = await versionsOfPlan(database, idOrKey);
      const published = versions.find(({ effectiveFrom }) => effectiveFrom !== null);
      const plan = includeLatest ? versions[0] : published;
      if (!plan) throw notFound('plan', idOrKey);
      return plan;
    },

    /** What keeps a plan from being published; a published one has nothing to show. */
    problemsOf: (plan: Plan): Promise<FieldError[]> =>
      plan.effectiveFrom === null ? problemsNow(database, plan) : Promise.resolve([]),
  };
};

export type Plans = ReturnType<typeof createPlans>;

const required = async (queryable: Queryable, id: string): Promise<Plan> => {
  const plan = await findPlanById(queryable, id);
  if (!plan || plan.deletedAt !== null) throw notFound('plan', id);
  return plan;
};

const refuseSecondDraft = (versions: readonly Plan[]): void => {
  const draft = versions.find(({ effectiveFrom }) => effectiveFrom === null);
  if (!draft) return;
  const message = `version ${draft.version} of the plan "${draft.key}" is a draft already; publish or delete it first`;
  throw conflict('plan_draft_exists', message, { conflictingEntityId: draft.id });
};

const refuseUnlessDraft = (plan: Plan, now: number): void => {
  const status = statusOfPlan(plan, now);
  if (status === 'draft') return;
  const message = `version ${plan.version} of "${plan.key}" is ${status} and does not change any more; create its next version`;
  throw conflict('plan_not_draft', message);
};

const problemsNow = async (queryable: Queryable, plan: Plan): Promise<FieldError[]> => {
  const cards = plan.phases.flatMap(({ rateCards }) => rateCards);
  return problemsOfPlan(plan, await featuresOfCards(queryable, cards));
};

import { findFeature } from '../catalog';
import { lockCustomer } from '../customers';
import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { conflict, invalid, notFound, Refusal } from '../primitives/refusal';
import type { Database, Transaction } from '../storage';
import { refusalOfReset } from './burn-down/reset-refusal';
import type { Entitlement, MeteredEntitlement } from './entitlement';
import {
  findOverlapping,
  insertEntitlement,
  lockEntitlement,
  markEntitlementsDeleted,
  setActiveTo,
} from './entitlement-store';
import { hasEnded, type Settle } from './evaluation';
import { findGrant, type GrantRecord, insertGrants, insertManualReset, markGrantVoided } from './grant-store';
import { loadManualResets } from './ledger-store';
import { type NewEntitlement, newEntitlement } from './new-entitlement';
import { type NewGrant, newGrant } from './new-grant';
import type { ToEvaluate } from './running-usage-store';
import type { SettleAfterIngest } from './settle-after-ingest';
import { type PeriodRules, usagePeriodAt } from './usage-periods';

export interface EntitlementsOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  settle: Settle;
  settleAfterIngest: SettleAfterIngest;
}

/** A reset of usage as a caller asks for it; times in epoch milliseconds. */
export interface NewReset {
  effectiveAt?: number | undefined;
  /** Keep counting periods from the anchor there is, instead of from the reset. */
  retainAnchor: boolean;
  /** The entitlement's own setting unless given. */
  preserveOverage?: boolean | undefined;
}

/** Whether whoever calls is the subscription that manages an entitlement; others may not end or override it. */
export interface Caller {
  subscriptionId?: string | undefined;
}

/** Creates, changes and ends entitlements. Whatever follows from a change is recorded in its own transaction. */
export const createEntitlements = (options: EntitlementsOptions) => {
  const { database, clock, newId, settle, settleAfterIngest } = options;

  /**
   * The part of {@link create} for callers that are in a transaction already. They pass what it returns to
   * `settleAfterIngest.after` once they have committed.
   */
  const createWithin = async (
    transaction: Transaction,
    customerId: string,
    input: NewEntitlement,
    now: number,
  ): Promise<{ entitlement: Entitlement; changes: ToEvaluate[] }> => {
    const entitlement = await insertChecked(transaction, newId, customerId, input, now);
    const changes = [changeOf(entitlement)];
    await settleAfterIngest.within(transaction, changes, 'entitlement_created', now);
    return { entitlement, changes };
  };

  /** Ends entitlements now, for callers that are in a transaction already. */
  const endWithin = async (
    transaction: Transaction,
    ids: readonly string[],
    cause: string,
    now: number,
  ): Promise<void> => {
    await markEntitlementsDeleted(transaction, ids, now);
    await settle(
      transaction,
      ids.map((entitlementId) => ({ entitlementId, changedFrom: now })),
      cause,
      now,
    );
  };

  return {
    createWithin,
    endWithin,

    /** Sets when an entitlement ends by itself (null: never), for subscriptions that are in a transaction already. */
    endAtWithin: async (
      transaction: Transaction,
      id: string,
      activeTo: number | null,
      now: number,
    ): Promise<void> => {
      await setActiveTo(transaction, id, activeTo, now);
      await settle(transaction, [{ entitlementId: id, changedFrom: now }], 'entitlement_ended', now);
    },

    /**
     * Creates an entitlement with its first grants.
     * @throws Refusal `entitlement_exists` with conflictingEntityId, `feature_not_found`, `customer_not_found`,
     *   `invalid_entitlement`, `invalid_grant`
     */
    create: async (customerId: string, input: NewEntitlement): Promise<Entitlement> => {
      const { entitlement, changes } = await database.transaction((transaction) =>
        createWithin(transaction, customerId, input, clock.now()),
      );
      await settleAfterIngest.after(changes, 'entitlement_created');
      return entitlement;
    },

    /**
     * Ends an entitlement and puts a new one of the same feature in its place, with a usage and grants of its own.
     * @throws Refusal as {@link create}; `entitlement_not_found`, `subscription_managed`
     */
    override: async (id: string, input: NewEntitlement, caller: Caller = {}): Promise<Entitlement> => {
      const { entitlement, changes } = await database.transaction(async (transaction) => {
        const now = clock.now();
        const old = await lockChangeable(transaction, id, caller, now);
        const feature = await findFeature(transaction, input.feature);
        if (feature && feature.key !== old.featureKey) {
          const message = `an override is of the same feature, "${old.featureKey}", not "${feature.key}"`;
          throw invalid('invalid_entitlement', message, [
            { code: 'other_feature', field: '$.featureKey', message },
          ]);
        }
        await markEntitlementsDeleted(transaction, [id], now);
        const subjectKey = input.subjectKey ?? old.subjectKey ?? undefined;
        const made = await insertChecked(transaction, newId, old.customerId, { ...input, subjectKey }, now);
        // Together, so that whoever hears of access lost and gained sees both.
        const changes = [{ entitlementId: id, changedFrom: now }, changeOf(made)];
        await settleAfterIngest.within(transaction, changes, 'override', now);
        return { entitlement: made, changes: [changeOf(made)] };
      });
      await settleAfterIngest.after(changes, 'override');
      return entitlement;
    },

    /**
     * Ends an entitlement; access is lost at once.
     * @throws Refusal `entitlement_not_found`, `subscription_managed`
     */
    delete: (id: string, caller: Caller = {}): Promise<void> =>
      database.transaction(async (transaction) => {
        const now = clock.now();
        await lockChangeable(transaction, id, caller, now);
        await endWithin(transaction, [id], 'entitlement_deleted', now);
      }),

    /**
     * Begins a usage period anew: usage is zero, grants roll over.
     * @throws Refusal `invalid_reset` when in the future, before the present period, or not after the last reset
     */
    reset: (id: string, reset: NewReset): Promise<void> =>
      database.transaction(async (transaction) => {
        const now = clock.now();
        const { entitlement, rules } = await lockMetered(transaction, id, now);
        const at = reset.effectiveAt ?? now;
        checkReset(rules, at, now);
        const anchor = reset.retainAnchor
          ? (rules.manualResets.at(-1)?.anchor ?? entitlement.usagePeriod.anchor)
          : at;
        const preserveOverage = reset.preserveOverage ?? entitlement.preserveOverageAtReset;
        await insertManualReset(transaction, id, { at, anchor, preserveOverage }, now);
        await settle(transaction, [{ entitlementId: id, changedFrom: at }], 'reset', now);
      }),

    /**
     * Grants an amount of usage.
     * @throws Refusal `invalid_grant`, `entitlement_not_found`, `not_metered`
     */
    grant: (id: string, input: NewGrant): Promise<GrantRecord> =>
      database.transaction(async (transaction) => {
        const now = clock.now();
        const { rules } = await lockMetered(transaction, id, now);
        const grant = newGrant(input, id, usagePeriodAt(rules, now).from, '$', newId, now);
        await insertGrants(transaction, [grant]);
        await settle(transaction, [{ entitlementId: id, changedFrom: grant.effectiveAt }], 'grant', now);
        return grant;
      }),

    /**
     * Takes a grant back from `at` on (now unless given); what it covered before stays covered.
     * @throws Refusal `grant_not_found`, `invalid_void`
     */
    voidGrant: async (grantId: string, voidAt?: number): Promise<void> => {
      const found = await findGrant(database, grantId);
      if (!found) throw notFound('grant', grantId);
      await database.transaction(async (transaction) => {
        const now = clock.now();
        const { rules } = await lockMetered(transaction, found.entitlementId, now);
        const grant = await findGrant(transaction, grantId);
        if (!grant || grant.deletedAt !== undefined) throw notFound('grant', grantId);
        const at = voidAt ?? now;
        checkVoid(grant, at, usagePeriodAt(rules, now).from, now);
        await markGrantVoided(transaction, grantId, at, now);
        await settle(transaction, [{ entitlementId: grant.entitlementId, changedFrom: at }], 'void', now);
      });
    },
  };
};

export type Entitlements = ReturnType<typeof createEntitlements>;

const changeOf = (entitlement: Entitlement): ToEvaluate => ({
  entitlementId: entitlement.id,
  changedFrom: entitlement.type === 'metered' ? entitlement.measureUsageFrom : entitlement.activeFrom,
});

const insertChecked = async (
  transaction: Transaction,
  newId: IdentifierSource,
  customerId: string,
  input: NewEntitlement,
  now: number,
): Promise<Entitlement> => {
  if (!(await lockCustomer(transaction, customerId))) throw notFound('customer', customerId);
  const feature = await findFeature(transaction, input.feature);
  if (!feature) throw notFound('feature', input.feature);
  if (feature.archivedAt !== null) {
    const message = `the feature "${feature.key}" is archived; no new entitlement can be made for it`;
    throw invalid('invalid_entitlement', message, [
      { code: 'feature_archived', field: '$.featureId', message },
    ]);
  }
  const { entitlement, grants } = newEntitlement(input, feature, customerId, newId, now);
  const conflicting = await findOverlapping(transaction, entitlement);
  if (conflicting !== undefined) {
    throw conflict(
      'entitlement_exists',
      `the customer has an entitlement to "${feature.key}" already; override or delete it first`,
      { conflictingEntityId: conflicting },
    );
  }
  await insertEntitlement(transaction, entitlement);
  await insertGrants(transaction, grants);
  return entitlement;
};

/** Locks an entitlement that is to be ended. @throws Refusal `entitlement_not_found`, `subscription_managed` */
const lockChangeable = async (
  transaction: Transaction,
  id: string,
  caller: Caller,
  now: number,
): Promise<Entitlement> => {
  const entitlement = await lockEntitlement(transaction, id);
  if (!entitlement || hasEnded(entitlement, now)) throw notFound('entitlement', id);
  if (entitlement.subscriptionId !== null && entitlement.subscriptionId !== caller.subscriptionId) {
    throw new Refusal(
      'forbidden',
      'subscription_managed',
      'a subscription manages this entitlement: change the subscription, or grant usage on top',
      { extensions: { subscriptionId: entitlement.subscriptionId } },
    );
  }
  return entitlement;
};

const lockMetered = async (
  transaction: Transaction,
  id: string,
  now: number,
): Promise<{ entitlement: MeteredEntitlement; rules: PeriodRules }> => {
  const entitlement = await lockEntitlement(transaction, id);
  if (!entitlement || hasEnded(entitlement, now)) throw notFound('entitlement', id);
  if (entitlement.type !== 'metered')
    throw invalid(
      'not_metered',
      `the entitlement is ${entitlement.type}; only metered ones have usage and grants`,
    );
  const manualResets = (await loadManualResets(transaction, [{ id, at: now }])).get(id) ?? [];
  return { entitlement, rules: { entitlement, manualResets } };
};

const resetRefusals = {
  in_the_future: 'effectiveAt must not be in the future',
  not_after_last_reset: 'effectiveAt must be after the last reset',
  before_current_period: 'effectiveAt must not be before the present usage period',
};

const checkReset = (rules: PeriodRules, at: number, now: number): void => {
  const refusal = refusalOfReset({
    at,
    now,
    periodFrom: usagePeriodAt(rules, now).from,
    measureUsageFrom: rules.entitlement.measureUsageFrom,
    lastResetAt: rules.manualResets.at(-1)?.at,
  });
  if (!refusal) return;
  const message = resetRefusals[refusal];
  throw invalid('invalid_reset', message, [{ code: refusal, field: '$.effectiveAt', message }]);
};

const checkVoid = (grant: GrantRecord, at: number, periodFrom: number, now: number): void => {
  const refuse = (code: string, message: string) =>
    invalid('invalid_void', message, [{ code, field: 'at', message }]);
  if (grant.voidedAt !== undefined) throw refuse('already_voided', 'the grant is voided already');
  if (at > now) throw refuse('in_the_future', 'at must not be in the future');
  if (at < periodFrom)
    throw refuse('before_current_period', 'at must not be before the present usage period');
};

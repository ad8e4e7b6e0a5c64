import type { Feature } from '../../catalog';
import type { Clock } from '../../primitives/clock';
import type { IdentifierSource } from '../../primitives/identifiers';
import { conflict, type FieldError, invalid, notFound } from '../../primitives/refusal';
import type { Database, Queryable, Transaction } from '../../storage';
import { featuresOfCards } from '../plans/features-of-cards';
import { problemsOfRateCard } from '../plans/problems-of-plan';
import { minorUnitsOf } from '../pricing/currencies';
import { type Addon, type AddonDetails, statusOfAddon } from './addon';
import {
  findAddonById,
  insertAddon,
  lockAddonKey,
  nextVersionOfAddon,
  updateAddon,
  versionsOfAddon,
} from './addon-store';

export interface AddonsOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
}

/** Drafts, publishes and archives add-ons, as plans are: a published version never changes. */
export const createAddons = ({ database, clock, newId }: AddonsOptions) => {
  /** Runs a change of one add-on, alone among changes of its key. */
  const changing = async (
    id: string,
    change: (transaction: Transaction, addon: Addon, now: number) => Promise<Addon>,
  ): Promise<Addon> => {
    const found = await requiredAddon(database, id);
    return database.transaction(async (transaction) => {
      await lockAddonKey(transaction, found.key);
      const now = clock.now();
      const changed = await change(transaction, await requiredAddon(transaction, id), now);
      const saved = { ...changed, updatedAt: now };
      await updateAddon(transaction, saved);
      return saved;
    });
  };

  return {
    /** Creates a draft: the first version of a key, or its next one. @throws Refusal `addon_draft_exists` */
    create: (key: string, currency: string, details: AddonDetails): Promise<Addon> =>
      database.transaction(async (transaction) => {
        await lockAddonKey(transaction, key);
        const versions = await versionsOfAddon(transaction, key);
        const draft = versions.find(({ effectiveFrom }) => effectiveFrom === null);
        if (draft) {
          const message = `version ${draft.version} of the add-on "${key}" is a draft already; publish or delete it first`;
          throw conflict('addon_draft_exists', message, { conflictingEntityId: draft.id });
        }
        const now = clock.now();
        const addon: Addon = {
          ...details,
          id: newId(),
          key,
          version: await nextVersionOfAddon(transaction, key),
          currency,
          effectiveFrom: null,
          effectiveTo: null,
          createdAt: now,
          updatedAt: now,
          deletedAt: null,
        };
        await insertAddon(transaction, addon);
        return addon;
      }),

    /** @throws Refusal `addon_not_found`, `addon_not_draft` */
    replace: (id: string, details: AddonDetails): Promise<Addon> =>
      changing(id, async (_transaction, addon, now) => {
        refuseUnlessDraft(addon, now);
        return { ...addon, ...details };
      }),

    /**
     * Puts a draft in force; the version in force until now is archived with it.
     * @throws Refusal `addon_not_found`, `addon_not_draft`, `addon_incomplete` naming each field
     */
    publish: (id: string): Promise<Addon> =>
      changing(id, async (transaction, addon, now) => {
        refuseUnlessDraft(addon, now);
        const problems = await problemsNow(transaction, addon);
        if (problems.length > 0) {
          const message = `the add-on cannot be published: ${problems[0]!.field} ${problems[0]!.message}`;
          throw invalid('addon_incomplete', message, problems);
        }
        for (const version of await versionsOfAddon(transaction, addon.key)) {
          if (statusOfAddon(version, now) === 'active')
            await updateAddon(transaction, { ...version, effectiveTo: now, updatedAt: now });
        }
        return { ...addon, effectiveFrom: now };
      }),

    /** Takes a version out of force; plans that offer it go on to. @throws Refusal `addon_not_active` */
    archive: (id: string): Promise<Addon> =>
      changing(id, async (_transaction, addon, now) => {
        if (statusOfAddon(addon, now) !== 'active')
          throw conflict(
            'addon_not_active',
            'only an add-on that is active can be archived; publish it first',
          );
        return { ...addon, effectiveTo: now };
      }),

    /** Deletes a draft or an archived version. @throws Refusal `addon_not_found`, `addon_active` */
    delete: async (id: string): Promise<void> => {
      await changing(id, async (_transaction, addon, now) => {
        if (statusOfAddon(addon, now) === 'active')
          throw conflict('addon_active', 'an add-on that is active cannot be deleted; archive it first');
        return { ...addon, deletedAt: now };
      });
    },

    /** An add-on by its id, or the newest published version of a key (its draft where there is no other). */
    get: async (idOrKey: string): Promise<Addon> => {
      const byId = await findAddonById(database, idOrKey);
      if (byId) return byId;
      const versions = await versionsOfAddon(database, idOrKey);
      const addon = versions.find(({ effectiveFrom }) => effectiveFrom !== null) ?? versions[0];
      if (!addon) throw notFound('addon', idOrKey);
      return addon;
    },

    /** What keeps an add-on from being published; a published one has nothing to show. */
    problemsOf: (addon: Addon): Promise<FieldError[]> =>
      addon.effectiveFrom === null ? problemsNow(database, addon) : Promise.resolve([]),
  };
};

export type Addons = ReturnType<typeof createAddons>;

/** @throws Refusal `addon_not_found` */
export const requiredAddon = async (queryable: Queryable, id: string): Promise<Addon> => {
  const addon = await findAddonById(queryable, id);
  if (!addon || addon.deletedAt !== null) throw notFound('addon', id);
  return addon;
};

const refuseUnlessDraft = (addon: Addon, now: number): void => {
  const status = statusOfAddon(addon, now);
  if (status === 'draft') return;
  const message = `version ${addon.version} of "${addon.key}" is ${status} and does not change any more; create its next version`;
  throw conflict('addon_not_draft', message);
};

const problemsNow = async (queryable: Queryable, addon: Addon): Promise<FieldError[]> =>
  problemsOfAddon(addon, await featuresOfCards(queryable, addon.rateCards));

/** What keeps an add-on from being published; empty when it is sound. */
const problemsOfAddon = (
  { currency, rateCards, instanceType }: Addon,
  features: ReadonlyMap<string, Feature>,
): FieldError[] => {
  const problems: FieldError[] = [];
  if (minorUnitsOf(currency) === undefined) {
    const message = 'must be an ISO 4217 code such as USD';
    problems.push({ field: '$.currency', code: 'unknown_currency', message });
  }
  if (rateCards.length === 0) {
    const message = 'must hold at least one rate card';
    problems.push({ field: '$.rateCards', code: 'addon_without_rate_cards', message });
  }
  rateCards.forEach((card, index) => {
    const path = `$.rateCards[${index}]`;
    problems.push(...problemsOfRateCard(card, features, path));
    if (rateCards.findIndex(({ key }) => key === card.key) < index) {
      const message = `another rate card has the key "${card.key}" too`;
      problems.push({ field: `${path}.key`, code: 'duplicate_key', message });
    }
    if (instanceType === 'multiple' && card.price !== null && card.price.type !== 'flat') {
      const message = 'must be flat: an add-on that is taken several times multiplies it';
      problems.push({ field: `${path}.price`, code: 'price_not_flat', message });
    }
  });
  return problems;
};

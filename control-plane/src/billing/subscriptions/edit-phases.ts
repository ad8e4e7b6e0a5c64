import { addDuration, parseDuration } from '../../primitives/durations';
import type { IdentifierSource } from '../../primitives/identifiers';
import { invalid, type Refusal } from '../../primitives/refusal';
import { areSameTerms, type RateCard } from '../plans/rate-card';
import {
  endOfPhase,
  type Subscription,
  type SubscriptionItem,
  type SubscriptionPhase,
  spanOfItem,
} from './subscription';

/** One change of a subscription's own terms; OpenMeter's SubscriptionEditOperation. Durations are ISO 8601. */
export type EditOperation =
  | { op: 'add_item'; phaseKey: string; rateCard: RateCard }
  | { op: 'remove_item'; phaseKey: string; itemKey: string }
  | {
      op: 'add_phase';
      phase: {
        key: string;
        name: string;
        description?: string | undefined;
        /** From the start of the subscription; null for its start. */
        startAfter: string | null;
        /** Needed unless it is the last one. */
        duration?: string | undefined;
      };
    }
  | { op: 'remove_phase'; phaseKey: string; shift: 'next' | 'prev' }
  | { op: 'stretch_phase'; phaseKey: string; extendBy: string }
  | { op: 'unschedule_edit' };

export interface EditContext {
  /** When the edit takes effect, epoch milliseconds. */
  at: number;
  /** The ids of the features that rate cards name, by key. */
  featureIds: ReadonlyMap<string, string>;
  newId: IdentifierSource;
}

type Phases = readonly SubscriptionPhase[];

/**
 * The phases of a subscription after an edit, in order; what lies before the edit's time stays. Pure.
 * @throws Refusal `invalid_edit` naming the operation
 */
export const editPhases = (
  subscription: Subscription,
  operations: readonly EditOperation[],
  context: EditContext,
): SubscriptionPhase[] => {
  let phases: Phases = subscription.phases;
  for (const [index, operation] of operations.entries()) {
    const edit: Edit = {
      ...context,
      subscription,
      refuse: (field, message) => {
        const path = `$.customizations[${index}]${field}`;
        return invalid('invalid_edit', `${path} ${message}`, [
          { code: 'invalid_edit', field: path, message },
        ]);
      },
    };
    phases = applied(phases, operation, edit);
  }
  return [...phases];
};

interface Edit extends EditContext {
  subscription: Subscription;
  refuse: (field: string, message: string) => Refusal;
}

const applied = (phases: Phases, operation: EditOperation, edit: Edit): Phases => {
  switch (operation.op) {
    case 'add_item':
      return changed(phases, operation.phaseKey, edit, (phase) => addItem(phase, operation.rateCard, edit));
    case 'remove_item':
      return changed(phases, operation.phaseKey, edit, (phase) => {
        const items = closed(phase, operation.itemKey, edit);
        if (items) return { ...phase, items };
        throw edit.refuse('.itemKey', `the phase has no item "${operation.itemKey}" at that time`);
      });
    case 'add_phase':
      return addPhase(phases, operation.phase, edit);
    case 'remove_phase':
      return removePhase(phases, operation.phaseKey, operation.shift, edit);
    case 'stretch_phase':
      return stretchPhase(phases, operation.phaseKey, operation.extendBy, edit);
    case 'unschedule_edit':
      return phases.map((phase) => (isCurrent(phase, edit) ? withoutScheduled(phase, edit) : phase));
  }
};

const isCurrent = (phase: SubscriptionPhase, { subscription, at }: Edit): boolean => {
  const end = endOfPhase(subscription, phase);
  return phase.activeFrom <= at && (end === null || end > at);
};

const indexOf = (phases: Phases, key: string, edit: Edit): number => {
  const index = phases.findIndex((phase) => phase.key === key);
  if (index >= 0) return index;
  const known = phases.map((phase) => phase.key).join(', ');
  throw edit.refuse('.phaseKey', `the subscription has no phase "${key}"; it has: ${known}`);
};

/** Changes one phase that has not ended. */
const changed = (
  phases: Phases,
  key: string,
  edit: Edit,
  change: (phase: SubscriptionPhase) => SubscriptionPhase,
): Phases => {
  const index = indexOf(phases, key, edit);
  const end = endOfPhase(edit.subscription, phases[index]!);
  if (end !== null && end <= edit.at)
    throw edit.refuse('.phaseKey', `the phase "${key}" is over by then; what is past does not change`);
  return phases.map((phase, position) => (position === index ? change(phase) : phase));
};

/** The items of a phase where those of a key end at the edit's time; undefined where none is in force from then on. */
const closed = (phase: SubscriptionPhase, itemKey: string, edit: Edit): SubscriptionItem[] | undefined => {
  let isFound = false;
  const items = phase.items.flatMap((item): SubscriptionItem[] => {
    const span = item.card.key === itemKey ? spanOfItem(edit.subscription, phase, item) : undefined;
    if (!span || (span.to !== null && span.to <= edit.at)) return [item];
    isFound = true;
    return span.from >= edit.at ? [] : [{ ...item, activeTo: edit.at }];
  });
  return isFound ? items : undefined;
};

/** Adds an item; one of the same key ends where it begins, and hands over its entitlement or the usage counted so far. */
const addItem = (phase: SubscriptionPhase, card: RateCard, edit: Edit): SubscriptionPhase => {
  const items = closed(phase, card.key, edit);
  const item: SubscriptionItem = {
    id: edit.newId(),
    card,
    featureId: edit.featureIds.get(card.featureKey ?? '') ?? null,
    entitlementId: null,
    ...(phase.activeFrom < edit.at ? { activeFrom: edit.at } : {}),
  };
  const former = items?.find(({ card: { key }, activeTo }) => key === card.key && activeTo === edit.at);
  return { ...phase, items: [...(items ?? phase.items), former ? continued(item, former, phase) : item] };
};

const continued = (
  item: SubscriptionItem,
  former: SubscriptionItem,
  phase: SubscriptionPhase,
): SubscriptionItem => {
  const [next, before] = [item.card.entitlementTemplate, former.card.entitlementTemplate];
  if (!next || !before || item.featureId !== former.featureId) return item;
  const measuredFrom = former.measuredFrom ?? former.activeFrom ?? phase.activeFrom;
  return { ...item, measuredFrom, entitlementId: areSameTerms(next, before) ? former.entitlementId : null };
};

/** Moves phases in time, with what was edited in them. */
const shifted = (phases: Phases, byMs: number): SubscriptionPhase[] => {
  const moved = (instant: number | undefined) => (instant === undefined ? undefined : instant + byMs);
  return phases.map((phase) => ({
    ...phase,
    activeFrom: phase.activeFrom + byMs,
    activeTo: phase.activeTo === null ? null : phase.activeTo + byMs,
    items: phase.items.map((item) => ({
      ...item,
      activeFrom: moved(item.activeFrom),
      activeTo: moved(item.activeTo),
      measuredFrom: moved(item.measuredFrom),
    })),
  }));
};

const addPhase = (
  phases: Phases,
  { key, name, description, startAfter, duration }: Extract<EditOperation, { op: 'add_phase' }>['phase'],
  edit: Edit,
): Phases => {
  if (phases.some((phase) => phase.key === key))
    throw edit.refuse('.phase.key', `the subscription has a phase "${key}" already`);
  const start = edit.subscription.activeFrom;
  const after = startAfter === null ? undefined : parseDuration(startAfter);
  if (startAfter !== null && !after) throw edit.refuse('.phase.startAfter', 'must be an ISO 8601 duration');
  const activeFrom = after ? addDuration(start, after) : start;
  if (activeFrom < edit.at)
    throw edit.refuse('.phase.startAfter', 'lies before the edit takes effect; what is past does not change');
  const before = phases.filter((phase) => phase.activeFrom < activeFrom);
  const later = phases.slice(before.length);
  const length = duration === undefined ? undefined : parseDuration(duration);
  if (duration !== undefined && !length) throw edit.refuse('.phase.duration', 'must be an ISO 8601 duration');
  if (!length && later.length > 0) throw edit.refuse('.phase.duration', 'is needed: another phase follows');
  // The last phase has no end.
  const activeTo = length && later.length > 0 ? addDuration(activeFrom, length) : null;
  const cut = before.map((phase, index) =>
    index === before.length - 1 ? { ...phase, activeTo: activeFrom } : phase,
  );
  const added: SubscriptionPhase = {
    id: edit.newId(),
    key,
    name,
    description,
    activeFrom,
    activeTo,
    items: [],
  };
  return [...cut, added, ...shifted(later, (activeTo ?? activeFrom) - (later[0]?.activeFrom ?? activeFrom))];
};

const removePhase = (phases: Phases, key: string, shift: 'next' | 'prev', edit: Edit): Phases => {
  const index = indexOf(phases, key, edit);
  const { activeFrom, activeTo } = phases[index]!;
  if (activeFrom < edit.at || index === 0)
    throw edit.refuse('.phaseKey', `the phase "${key}" has begun by then; only later ones can be removed`);
  const before = phases.slice(0, index);
  const later = phases.slice(index + 1);
  const isNextMoved = shift === 'next' && later.length > 0 && activeTo !== null;
  const extended = before.map((phase, position) =>
    position === index - 1 && !isNextMoved ? { ...phase, activeTo } : phase,
  );
  return [...extended, ...(isNextMoved ? shifted(later, activeFrom - activeTo) : later)];
};

const stretchPhase = (phases: Phases, key: string, extendBy: string, edit: Edit): Phases => {
  const index = indexOf(phases, key, edit);
  const phase = phases[index]!;
  const length = parseDuration(extendBy);
  if (!length) throw edit.refuse('.extendBy', 'must be an ISO 8601 duration');
  if (phase.activeTo === null) throw edit.refuse('.phaseKey', `the phase "${key}" has no end to move`);
  if (phase.activeTo <= edit.at) throw edit.refuse('.phaseKey', `the phase "${key}" is over by then`);
  const activeTo = addDuration(phase.activeTo, length);
  const later = shifted(phases.slice(index + 1), activeTo - phase.activeTo);
  return [...phases.slice(0, index), { ...phase, activeTo }, ...later];
};

/** Takes back what edits have scheduled in a phase after the edit's time. */
const withoutScheduled = (phase: SubscriptionPhase, { at }: Edit): SubscriptionPhase => ({
  ...phase,
  items: phase.items
    .filter(({ activeFrom }) => activeFrom === undefined || activeFrom <= at)
    .map((item) =>
      item.activeTo !== undefined && item.activeTo > at ? { ...item, activeTo: undefined } : item,
    ),
});

import type { Access, AccessPolicy } from './access-policy';
import type { AccessDecision } from './decide-access';
import type { Membership } from './drivers/gateway-driver';

/** A policy of a gateway with what it decides for one customer. */
export interface PolicyDecision {
  policy: AccessPolicy;
  decision: AccessDecision;
}

/** Memberships known of a consumer, by group; a group that is missing was not looked at. */
export type KnownGroups = Readonly<Record<string, Membership>>;

/** Every group that policies name. */
export const managedGroups = (policies: readonly Pick<AccessPolicy, 'leave' | 'join'>[]): string[] =>
  [...new Set(policies.flatMap(({ leave, join }) => [...leave, ...join]))].sort();

/**
 * The groups that a customer's consumers are to be in or not. Groups may be shared by policies: a group that gives access
 * is kept only while every policy grants it, and a group for the cut off is joined as soon as one policy refuses.
 */
export const wantedMemberships = (decisions: readonly PolicyDecision[]): Map<string, 'member' | 'absent'> => {
  const wanted = new Map<string, 'member' | 'absent'>();
  const enforced = decisions.filter(({ policy }) => policy.mode === 'enforce');
  for (const { policy, decision } of enforced) {
    if (decision.access === 'in') {
      for (const group of policy.leave) if (!wanted.has(group)) wanted.set(group, 'member');
      for (const group of policy.join) if (!wanted.has(group)) wanted.set(group, 'absent');
    }
  }
  // Refusals are written over grants.
  for (const { policy, decision } of enforced) {
    if (decision.access === 'out') for (const group of policy.join) wanted.set(group, 'member');
  }
  for (const { policy, decision } of enforced) {
    if (decision.access === 'out') for (const group of policy.leave) wanted.set(group, 'absent');
  }
  return wanted;
};

/** The changes that make `known` what is wanted; leaving comes first, so that a cut-off does not wait for a group to join. */
export const membershipChanges = (
  wanted: ReadonlyMap<string, 'member' | 'absent'>,
  known: KnownGroups,
): { group: string; action: 'add' | 'remove' }[] =>
  [...wanted]
    .filter(([group, membership]) => known[group] !== membership)
    .map(([group, membership]) => ({
      group,
      action: membership === 'member' ? ('add' as const) : ('remove' as const),
    }))
    .sort((a, b) => b.action.localeCompare(a.action));

/** What a consumer's memberships amount to under a policy; `unknown` when they were not all looked at. */
export const observedAccess = (
  { leave, join }: Pick<AccessPolicy, 'leave' | 'join'>,
  known: KnownGroups,
): Access | 'partial' | 'unknown' => {
  if ([...leave, ...join].some((group) => known[group] === undefined)) return 'unknown';
  if (leave.every((group) => known[group] === 'member') && join.every((group) => known[group] === 'absent'))
    return 'in';
  if (leave.every((group) => known[group] === 'absent') && join.every((group) => known[group] === 'member'))
    return 'out';
  return 'partial';
};

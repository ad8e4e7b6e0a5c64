import type { Access } from './access-policy';

/** A person's decision for a customer, for one feature or for all (null). */
export interface HoldInForce {
  featureKey: string | null;
  kind: 'hold' | 'allow';
}

/** All that decides about a customer's access to one feature. */
export interface AccessGrounds {
  /** Whether an entitlement gives access; undefined when there never was one. */
  entitled: boolean | undefined;
  /** What a metering elsewhere said last; undefined when it said nothing. */
  reported: boolean | undefined;
  /** Holds in force. */
  holds: readonly HoldInForce[];
  /** Whether there ever was a hold for this very feature, in force or not. */
  wasHeld: boolean;
}

/** `unmanaged`: nothing is known about the customer, so its consumers are left as they are. */
export type AccessDecision =
  | { access: Access; reason: AccessReason }
  | { access: 'unmanaged'; reason: 'unmanaged' };

export type AccessReason = 'entitled' | 'not_entitled' | 'reported' | 'hold' | 'allow' | 'released';

/**
 * Whether a customer is to have access. A hold for the feature stands above one for all features, any hold above the
 * entitlement, and an entitlement known here above what was reported from elsewhere. A customer that never had any of
 * these is left alone, so that a new policy cuts off nobody who was never sold anything; a hold for all features means all
 * that the customer is managed for, since its end must not give what was never sold.
 */
export const decideAccess = (featureKey: string, grounds: AccessGrounds): AccessDecision => {
  const { entitled, reported, holds, wasHeld } = grounds;
  const isManaged = entitled !== undefined || reported !== undefined;
  const hold =
    holds.find((candidate) => candidate.featureKey === featureKey) ??
    (isManaged ? holds.find((candidate) => candidate.featureKey === null) : undefined);
  if (hold) return { access: hold.kind === 'hold' ? 'out' : 'in', reason: hold.kind };
  if (entitled !== undefined) {
    return entitled ? { access: 'in', reason: 'entitled' } : { access: 'out', reason: 'not_entitled' };
  }
  if (reported !== undefined) return { access: reported ? 'in' : 'out', reason: 'reported' };
  return wasHeld ? { access: 'in', reason: 'released' } : { access: 'unmanaged', reason: 'unmanaged' };
};

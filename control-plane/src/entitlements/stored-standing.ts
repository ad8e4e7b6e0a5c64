import { type Quantity, toQuantity, ZERO } from '../primitives/decimal';
import type { Standing } from './burn-down/standing';

/** A row of entitlement_standing; quantities as decimal text, times in epoch milliseconds. */
export interface StoredStanding {
  entitlementId: string;
  customerId: string;
  featureId: string;
  featureKey: string;
  activeFrom: number;
  measureFrom: number;
  periodFrom: number;
  periodTo: number;
  segmentFrom: number;
  validUntil: number;
  usage: string;
  exhaustsAt: string;
  totalAvailable: string;
  hasAccess: boolean;
  isStale: boolean;
  /** Balances by grant id when the segment began, in the order in which grants burn. */
  grantBalances: readonly (readonly [grantId: string, balance: string])[];
}

/** The standing as the running usage has it; exact as long as it is valid. */
export const runningStanding = (
  stored: Pick<StoredStanding, 'usage' | 'exhaustsAt' | 'totalAvailable'>,
): Standing => {
  const usage = toQuantity(stored.usage);
  const exhaustsAtUsage = toQuantity(stored.exhaustsAt);
  const difference = exhaustsAtUsage.minus(usage);
  return {
    usage,
    exhaustsAtUsage,
    balance: difference.isPositive() ? difference : ZERO,
    overage: difference.isNegative() ? difference.negated() : ZERO,
    totalAvailable: toQuantity(stored.totalAvailable),
  };
};

/**
 * What each grant still holds at the running usage. With S = the sum of the balances at the segment's start, the segment
 * has burned usage - (exhaustsAt - S), whatever the aggregation and whatever was carried into it.
 */
export const runningGrantBalances = (
  stored: Pick<StoredStanding, 'usage' | 'exhaustsAt' | 'grantBalances'>,
): Map<string, Quantity> => {
  const atStart = stored.grantBalances.map(([id, balance]) => [id, toQuantity(balance)] as const);
  const sum = atStart.reduce((total, [, balance]) => total.plus(balance), ZERO);
  let rest = toQuantity(stored.usage).minus(toQuantity(stored.exhaustsAt)).plus(sum);
  return new Map(
    atStart.map(([id, balance]) => {
      if (!rest.greaterThan(ZERO)) return [id, balance];
      const burned = balance.lessThan(rest) ? balance : rest;
      rest = rest.minus(burned);
      return [id, balance.minus(burned)];
    }),
  );
};

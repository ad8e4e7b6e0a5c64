import { type Customer, customersById } from '../customers';
import type { Period } from '../primitives/periods';
import type { Queryable } from '../storage';
import type { Entitlement } from './entitlement';
import { loadManualResets } from './ledger-store';
import { usagePeriodAt } from './usage-periods';

/** An entitlement with what a reader wants to know beside it. */
export interface EntitlementView {
  entitlement: Entitlement;
  customer: Customer;
  /** Of metered ones: the present usage period and the anchor it is counted from. */
  usage: { period: Period; anchor: number } | undefined;
}

/** Completes entitlements for reading, with two statements however many they are. */
export const viewEntitlements = async (
  queryable: Queryable,
  entitlements: readonly Entitlement[],
  now: number,
): Promise<EntitlementView[]> => {
  if (entitlements.length === 0) return [];
  const customers = await customersById(queryable, [...new Set(entitlements.map((one) => one.customerId))]);
  const metered = entitlements.filter((one) => one.type === 'metered');
  const resets = await loadManualResets(
    queryable,
    metered.map(({ id }) => ({ id, at: now })),
  );
  return entitlements.map((entitlement) => ({
    entitlement,
    customer: customers.get(entitlement.customerId)!,
    usage:
      entitlement.type === 'metered'
        ? usageOf(entitlement, resets.get(entitlement.id) ?? [], now)
        : undefined,
  }));
};

const usageOf = (
  entitlement: Entitlement & { type: 'metered' },
  manualResets: Parameters<typeof usagePeriodAt>[0]['manualResets'],
  now: number,
) => ({
  period: usagePeriodAt({ entitlement, manualResets }, now),
  anchor: manualResets.at(-1)?.anchor ?? entitlement.usagePeriod.anchor,
});

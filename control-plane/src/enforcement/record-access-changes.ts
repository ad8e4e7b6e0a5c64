import type { FactRecorder } from '../thresholds';
import { requestAccess } from './task-store';

/**
 * Records, in the transaction that found it out, that access changed, and wakes the reconciler after COMMIT. What is
 * wanted is derived again when the change is made, so a fact that another one overtakes does no harm.
 */
export const createAccessRecorder =
  (wake: (gatewayId: string) => void): FactRecorder =>
  async (transaction, { accessChanges }, now) => {
    const causes = accessChanges.map(({ evaluation, cause }) => ({
      customerId: evaluation.entitlement.customerId,
      featureKey: evaluation.entitlement.featureKey,
      cause,
    }));
    const gatewayIds = await requestAccess(transaction, causes, now);
    if (gatewayIds.length > 0) transaction.afterCommit(() => gatewayIds.forEach(wake));
  };

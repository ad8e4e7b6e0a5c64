import type { Database } from '../storage';
import { endDueHolds } from './hold-store';
import { requestAccess } from './task-store';

const batch = 1_000;

/** Ends the holds whose time is over, and makes their customers due in the same transaction. */
export const endHoldsThatAreOver = async (
  database: Database,
  now: number,
  wake: (gatewayId: string) => void,
): Promise<void> => {
  await database.transaction(async (transaction) => {
    const ended = await endDueHolds(transaction, now, batch);
    const causes = ended.map(({ customerId, featureKey, kind }) => ({
      customerId,
      featureKey,
      cause: `${kind}_ended`,
    }));
    const gatewayIds = await requestAccess(transaction, causes, now);
    transaction.afterCommit(() => gatewayIds.forEach(wake));
  });
};

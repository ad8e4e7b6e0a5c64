import type { ChangeOutcome, MembershipChange } from './gateway-driver';
import { GatewayError } from './gateway-error';

/**
 * Makes changes one after another. What only concerns a change is its outcome; what concerns the gateway ends the run,
 * since the rest would fail alike and none of it is lost.
 */
export const eachChange = async (
  changes: readonly MembershipChange[],
  make: (change: MembershipChange) => Promise<ChangeOutcome>,
): Promise<ChangeOutcome[]> => {
  const outcomes: ChangeOutcome[] = [];
  for (const change of changes) {
    try {
      outcomes.push(await make(change));
    } catch (error) {
      if (!(error instanceof GatewayError) || error.concernsGateway) throw error;
      outcomes.push({ outcome: 'failed', error });
    }
  }
  return outcomes;
};

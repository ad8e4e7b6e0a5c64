import type { ChangeAnswer, ChangeOutcome, MembershipChange } from './gateway-driver';
import { GatewayError } from './gateway-error';

/**
 * Makes changes, `concurrency` of them at a time. What only concerns a change is its outcome; what concerns the gateway
 * ends the run: what has not begun is not begun, since it would fail alike, and is answered as interrupted.
 * @throws GatewayError when no change was answered for itself
 */
export const eachChange = async (
  changes: readonly MembershipChange[],
  concurrency: number,
  make: (change: MembershipChange) => Promise<ChangeOutcome>,
): Promise<ChangeAnswer[]> => {
  const answers: ChangeAnswer[] = [];
  let failure: GatewayError | undefined;
  await eachOf(changes, concurrency, async (change, index) => {
    try {
      if (failure) throw failure;
      answers[index] = await make(change);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (error.concernsGateway) failure ??= error;
      answers[index] = { outcome: error.concernsGateway ? 'interrupted' : 'failed', error };
    }
  });
  if (failure && answers.every(({ outcome }) => outcome === 'interrupted')) throw failure;
  return answers;
};

/** Does something with each item, `concurrency` of them at a time, begun in their order; the first rejection rejects. */
export const eachOf = async <T>(
  items: readonly T[],
  concurrency: number,
  act: (item: T, index: number) => Promise<void>,
): Promise<void> => {
  let next = 0;
  const take = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      try {
        await act(items[index]!, index);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, take));
};

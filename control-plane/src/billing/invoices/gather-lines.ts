import type { IdentifierSource } from '../../primitives/identifiers';
import type { Transaction } from '../../storage';
import type { Subscription } from '../subscriptions/subscription';
import type { Invoice, InvoiceLine } from './invoice';
import { insertLines } from './invoice-line-store';
import { ensureGathering, gatheringKey, wakeWithLines } from './invoice-store';
import { subscriptionLines } from './subscription-lines';

/** An empty gathering invoice, for the lines that are not due yet. */
export const gatheringInvoice = (
  customerId: string,
  currency: string,
  newId: IdentifierSource,
  now: number,
): Invoice => ({
  id: newId(),
  customerId,
  currency,
  state: 'gathering',
  number: null,
  description: null,
  metadata: {},
  customer: null,
  collectionAt: null,
  quantitySnapshottedAt: null,
  draftUntil: null,
  issuedAt: null,
  dueAt: null,
  paidAt: null,
  voidedAt: null,
  voidReason: null,
  nextStepAt: null,
  createdAt: now,
  updatedAt: now,
  deletedAt: null,
});

/**
 * Puts the lines of every billing period that has begun on the gathering invoices. The subscriptions are locked; the caller
 * stores when each has to be looked at next.
 */
export const gatherLines = async (
  transaction: Transaction,
  subscriptions: readonly Subscription[],
  newId: IdentifierSource,
  now: number,
): Promise<Map<string, number | null>> => {
  const nextLinesAt = new Map<string, number | null>();
  const made = subscriptions.map((subscription) => {
    const since = subscription.nextLinesAt ?? subscription.activeFrom;
    const { lines, nextAt } = subscriptionLines(subscription, since, now);
    nextLinesAt.set(subscription.id, nextAt);
    return { subscription, lines };
  });
  const withLines = made.filter(({ lines }) => lines.length > 0);
  if (withLines.length === 0) return nextLinesAt;
  const wanted = new Map(
    withLines.map(({ subscription: { customerId, currency } }) => [
      gatheringKey({ customerId, currency }),
      gatheringInvoice(customerId, currency, newId, now),
    ]),
  );
  const gathering = await ensureGathering(transaction, [...wanted.values()]);
  const lines = withLines.flatMap(({ subscription, lines: of }) =>
    of.map(
      (line): InvoiceLine => ({
        ...line,
        id: newId(),
        invoiceId: gathering.get(gatheringKey(subscription))!.id,
        createdAt: now,
        updatedAt: now,
      }),
    ),
  );
  await insertLines(transaction, lines);
  await wakeWithLines(
    transaction,
    [...gathering.values()].map(({ id }) => id),
  );
  return nextLinesAt;
};

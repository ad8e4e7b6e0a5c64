import { formatQuantity, toQuantity } from '../../primitives/decimal';
import { parseInterval } from '../../primitives/durations';
import { nextBoundaryAfter, type Period, periodAt, type Schedule } from '../../primitives/periods';
import type { PriceTerms, RateCard } from '../plans/rate-card';
import { minorUnitsOf, roundAmount } from '../pricing/currencies';
import {
  type Subscription,
  type SubscriptionItem,
  type SubscriptionPhase,
  spanOfItem,
} from '../subscriptions/subscription';
import type { InvoiceLine } from './invoice';

/** A line that a subscription makes; it gets an id and an invoice when it is stored. */
export type SubscriptionLine = Omit<InvoiceLine, 'id' | 'invoiceId' | 'createdAt' | 'updatedAt'>;

/** Periods of one item that are laid out at a time; the rest follows at once. */
const periodLimit = 400;

/**
 * The lines of every billing period that begins in [since, until], and when the next one begins (null: never). Pure: the
 * same subscription gives the same lines, however often and however late it is asked.
 */
export const subscriptionLines = (
  subscription: Subscription,
  since: number,
  until: number,
): { lines: SubscriptionLine[]; nextAt: number | null } => {
  const lines: SubscriptionLine[] = [];
  let nextAt = Number.POSITIVE_INFINITY;
  for (const phase of subscription.phases) {
    for (const item of phase.items) {
      const inForce = spanOfItem(subscription, phase, item);
      if (item.card.price === null || !inForce) continue;
      const span = { from: inForce.from, to: inForce.to ?? Number.POSITIVE_INFINITY };
      const periods = periodsOf(subscription, item.card, span, since);
      let count = 0;
      for (const period of periods) {
        if (period.from > until || count === periodLimit) {
          nextAt = Math.min(nextAt, period.from);
          break;
        }
        count += 1;
        lines.push(lineOf(subscription, phase, item, period, span));
      }
    }
  }
  return { lines, nextAt: Number.isFinite(nextAt) ? nextAt : null };
};

interface BillingPeriod extends Period {
  /** The period before the item's start or end cut it. */
  whole: Period;
}

const scheduleOf = (anchor: number, interval: string): Schedule => ({
  anchor,
  interval: parseInterval(interval)!,
});

/** The billing periods of an item that begin at or after `since`, cut by the time in which the item is in force. */
function* periodsOf(
  subscription: Subscription,
  card: RateCard,
  span: Period,
  since: number,
): Generator<BillingPeriod> {
  const interval = card.billingCadence ?? subscription.billingCadence;
  const schedule = scheduleOf(subscription.billingAnchor, interval);
  // Without a cadence of its own a fee is due once, when the item begins.
  const isOnce = card.billingCadence === null;
  let whole = periodAt(schedule, isOnce ? span.from : Math.max(span.from, since));
  while (whole.from < span.to) {
    const period = { from: Math.max(whole.from, span.from), to: Math.min(whole.to, span.to), whole };
    if (period.from >= since) yield period;
    if (isOnce) return;
    whole = { from: whole.to, to: nextBoundaryAfter(schedule, whole.to) };
  }
}

const lineOf = (
  subscription: Subscription,
  phase: SubscriptionPhase,
  { id, card, featureId }: SubscriptionItem,
  { from, to, whole }: BillingPeriod,
  span: Period,
): SubscriptionLine => {
  const price = card.price!;
  const billing = scheduleOf(subscription.billingAnchor, subscription.billingCadence);
  const isInAdvance = price.type === 'flat' && (price.paymentTerm ?? 'in_advance') === 'in_advance';
  const invoiceAt = isInAdvance
    ? Math.max(periodAt(billing, from).from, span.from)
    : Math.min(periodAt(billing, to - 1).to, span.to);
  const isProrated = subscription.isProrated && card.billingCadence !== null;
  return {
    managedBy: 'subscription',
    origin: { subscriptionId: subscription.id, phaseId: phase.id, itemId: id, billingPeriod: whole },
    name: card.name,
    description: card.description ?? null,
    metadata: card.metadata ?? {},
    featureId,
    featureKey: card.featureKey ?? null,
    price: isProrated ? prorated(price, { from, to }, whole, subscription.currency) : price,
    discounts: card.discounts ?? null,
    taxConfig: card.taxConfig ?? null,
    period: { from, to },
    invoiceAt,
    correctsId: null,
    quantity: null,
    preLineQuantity: null,
    priced: null,
  };
};

/** A flat fee for a part of a period costs that part, by time, rounded; usage is billed as it is. */
const prorated = (price: PriceTerms, part: Period, whole: Period, currency: string): PriceTerms => {
  const [length, wholeLength] = [part.to - part.from, whole.to - whole.from];
  if (price.type !== 'flat' || length === wholeLength) return price;
  const amount = toQuantity(price.amount).times(length).div(wholeLength);
  return { ...price, amount: formatQuantity(roundAmount(amount, minorUnitsOf(currency)!)) };
};

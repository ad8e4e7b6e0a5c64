import { type Quantity, toQuantity, ZERO } from '../primitives/decimal';

/** What was used in a stretch of time; epoch milliseconds. */
export interface RecentUsage {
  amount: Quantity;
  from: number;
  to: number;
}

export interface Forecast {
  /** Usage an hour at the present rate. */
  perHour: Quantity;
  /** When it will be used up at that rate, epoch milliseconds; null when that is not before the period ends. */
  exhaustedAt: number | null;
}

const hour = toQuantity(3_600_000);

/**
 * When an allowance is used up if usage goes on as it did recently. It is a straight line and says no more than that;
 * undefined where there is too little to draw one.
 */
export const forecastOf = (
  standing: { usage: Quantity; allowance: Quantity; periodTo: number },
  recent: RecentUsage,
  now: number,
): Forecast | undefined => {
  const { amount, from, to } = recent;
  if (to <= from) return undefined;
  const perHour = amount.times(hour).dividedBy(toQuantity(to - from));
  const left = standing.allowance.minus(standing.usage);
  if (!left.greaterThan(ZERO)) return { perHour, exhaustedAt: now };
  if (!perHour.greaterThan(ZERO)) return { perHour, exhaustedAt: null };
  const inMs = left.times(hour).dividedBy(perHour).toNumber();
  const at = Math.ceil(now + inMs);
  return { perHour, exhaustedAt: at < standing.periodTo ? at : null };
};

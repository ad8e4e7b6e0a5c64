/**
 * What invoices should say, worked out from raw events and contracts in the plainest way: whole-number fractions, no
 * database, nothing of the product's pricing. It is slow and knows only what the tests need.
 */

/** n / d, exact; d is positive. */
export interface Fraction {
  n: bigint;
  d: bigint;
}

export const fraction = (text: string | number): Fraction => {
  const [, sign, whole, part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(text))!;
  return { n: BigInt(`${sign}${whole}${part}`), d: 10n ** BigInt(part.length) };
};
const plus = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d });
const minus = (a: Fraction, b: Fraction): Fraction => plus(a, { n: -b.n, d: b.d });
const times = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.n, d: a.d * b.d });
const isLess = (a: Fraction, b: Fraction): boolean => a.n * b.d < b.n * a.d;
const zero: Fraction = { n: 0n, d: 1n };

/** In the currency's smallest amounts, half away from zero. */
const rounded = (amount: Fraction, digits: number): bigint => {
  const scaled = amount.n * 10n ** BigInt(digits);
  const magnitude = ((scaled < 0n ? -scaled : scaled) * 2n + amount.d) / (2n * amount.d);
  return scaled < 0n ? -magnitude : magnitude;
};

/** Smallest amounts as decimal text. */
export const money = (amount: bigint, digits: number): string => {
  const text = (amount < 0n ? -amount : amount).toString().padStart(digits + 1, '0');
  const part = text.slice(text.length - digits).replace(/0+$/, '');
  const whole = digits === 0 ? text : text.slice(0, -digits);
  return `${amount < 0n ? '-' : ''}${whole}${digits === 0 || part === '' ? '' : `.${part}`}`;
};

/** Decimal text as smallest amounts, without rounding: what has more decimals than the currency is told apart. */
export const smallestAmounts = (text: string, digits: number): bigint => {
  const [whole, part = ''] = text.split('.');
  return BigInt(`${whole}${part.padEnd(digits, '0')}`);
};

export const digitsOf: Record<string, number> = { JPY: 0, USD: 2, EUR: 2, KWD: 3 };

type Tier = {
  upToAmount?: string;
  flatPrice?: { type: 'flat'; amount: string } | null;
  unitPrice?: { type: 'unit'; amount: string } | null;
};
type Limits = { minimumAmount?: string; maximumAmount?: string };

/** A rate card as the API takes it. */
export interface NaiveCard {
  type: 'flat_fee' | 'usage_based';
  key: string;
  name: string;
  featureKey?: string;
  billingCadence: 'P1M' | null;
  price:
    | { type: 'flat'; amount: string; paymentTerm: 'in_advance' | 'in_arrears' }
    | ({ type: 'unit'; amount: string } & Limits)
    | ({ type: 'package'; amount: string; quantityPerPackage: string } & Limits)
    | ({ type: 'dynamic'; multiplier: string } & Limits)
    | ({ type: 'tiered'; mode: 'volume' | 'graduated'; tiers: Tier[] } & Limits);
  discounts?: { percentage?: { percentage: number }; usage?: { quantity: string } };
  entitlementTemplate?: object;
}

const componentsOf = ({ price }: NaiveCard, quantity: Fraction): Fraction[] => {
  switch (price.type) {
    case 'flat':
      return [fraction(price.amount)];
    case 'unit':
      return [times(quantity, fraction(price.amount))];
    case 'dynamic':
      return [times(quantity, fraction(price.multiplier))];
    case 'package': {
      const size = fraction(price.quantityPerPackage);
      const [n, d] = [quantity.n * size.d, quantity.d * size.n];
      return [times({ n: (n + d - 1n) / d, d: 1n }, fraction(price.amount))];
    }
    case 'tiered': {
      const amounts: Fraction[] = [];
      let from = zero;
      for (const [index, { upToAmount, flatPrice, unitPrice }] of price.tiers.entries()) {
        const end = upToAmount === undefined ? undefined : fraction(upToAmount);
        const holdsAll = end === undefined || !isLess(end, quantity);
        const isFirst = index === 0;
        if (price.mode === 'volume') {
          if (!holdsAll) continue;
          return [fraction(flatPrice?.amount ?? 0), times(quantity, fraction(unitPrice?.amount ?? 0))];
        }
        if (!isFirst && !isLess(from, quantity)) break;
        amounts.push(fraction(flatPrice?.amount ?? 0));
        amounts.push(times(minus(holdsAll ? quantity : end, from), fraction(unitPrice?.amount ?? 0)));
        if (holdsAll) break;
        from = end;
      }
      return amounts;
    }
  }
};

/** What a whole period costs, in smallest amounts. */
export const priceOfPeriod = (card: NaiveCard, used: Fraction, digits: number): bigint => {
  const free = fraction(card.discounts?.usage?.quantity ?? 0);
  const quantity = isLess(free, used) ? minus(used, free) : zero;
  const percentage = fraction(card.discounts?.percentage?.percentage ?? 0);
  let total = 0n;
  for (const component of componentsOf(card, card.price.type === 'flat' ? used : quantity)) {
    const amount = rounded(component, digits);
    const off = rounded(
      times({ n: amount, d: 10n ** BigInt(digits) }, times(percentage, { n: 1n, d: 100n })),
      digits,
    );
    total += amount - off;
  }
  if (card.price.type === 'flat') return total;
  const { minimumAmount, maximumAmount } = card.price;
  const most = maximumAmount === undefined ? total : rounded(fraction(maximumAmount), digits);
  const least = minimumAmount === undefined ? 0n : rounded(fraction(minimumAmount), digits);
  const cut = total < most ? total : most;
  return cut > least ? cut : least;
};

/** The n-th month after the anchor, at its time of day, on the month's last day where it has no such day. */
export const monthAfter = (anchor: number, n: number): number => {
  const at = new Date(anchor);
  const month = at.getUTCMonth() + n;
  const lastDay = new Date(Date.UTC(at.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const day = Math.min(at.getUTCDate(), lastDay);
  return Date.UTC(at.getUTCFullYear(), month, day) + (anchor % 86_400_000);
};

export interface NaivePhase {
  /** Days; null for the last. */
  days: number | null;
  cards: NaiveCard[];
}

export interface NaivePlan {
  key: string;
  currency: string;
  phases: NaivePhase[];
}

/** One subscription of a customer. */
export interface NaiveSpan {
  plan: NaivePlan;
  anchor: number;
  from: number;
  /** Infinity while it goes on. */
  to: number;
  /** When its end was decided: fees in advance that were due by then are for their whole period. */
  decidedAt: number;
}

export interface NaiveEvent {
  type: string;
  time: number;
  value: string;
  /** The step in which it was sent. */
  step: number;
}

export interface NaiveCustomer {
  key: string;
  spans: NaiveSpan[];
  events: NaiveEvent[];
}

export interface NaiveMeter {
  eventType: string;
  aggregation: 'COUNT' | 'SUM' | 'UNIQUE_COUNT';
}

export interface NaiveLine {
  card: NaiveCard;
  currency: string;
  from: number;
  to: number;
  wholeFrom: number;
  wholeTo: number;
  invoiceAt: number;
}

/** The lines of a customer's subscriptions that are due by `until`. */
export const linesOf = (customer: NaiveCustomer, until: number): NaiveLine[] => {
  const lines: NaiveLine[] = [];
  for (const { plan, anchor, from: start, to: end, decidedAt } of customer.spans) {
    let phaseFrom = start;
    for (const { days, cards } of plan.phases) {
      const phaseTo = days === null ? Number.POSITIVE_INFINITY : phaseFrom + days * 86_400_000;
      for (const card of cards) {
        for (let n = -1; n < 40; n += 1) {
          const wholeFrom = monthAfter(anchor, n);
          const wholeTo = monthAfter(anchor, n + 1);
          const from = Math.max(wholeFrom, phaseFrom);
          const isInAdvance = card.price.type === 'flat' && card.price.paymentTerm === 'in_advance';
          // A fee in advance that was invoiced before the end was known is for all of its period; that is so as well where
          // the end was decided, and came, at the instant at which the fee was due: it was invoiced by then and stays.
          const cut = isInAdvance && from <= decidedAt ? Number.POSITIVE_INFINITY : end;
          if (from >= Math.min(phaseTo, cut) || wholeTo <= from) continue;
          if (card.billingCadence === null && from !== phaseFrom) continue;
          const to = Math.min(wholeTo, phaseTo, cut);
          const invoiceAt = isInAdvance ? from : to;
          if (invoiceAt > until) continue;
          lines.push({ card, currency: plan.currency, from, to, wholeFrom, wholeTo, invoiceAt });
        }
      }
      phaseFrom = phaseTo;
      if (phaseFrom > end) break;
    }
  }
  return lines;
};

/** What a customer used in a line's period, by the events that were sent up to a step. */
export const usedIn = (
  customer: NaiveCustomer,
  { card, from, to }: NaiveLine,
  meters: Readonly<Record<string, NaiveMeter>>,
  step: number,
): Fraction => {
  const { eventType, aggregation } = meters[card.featureKey!]!;
  const events = customer.events.filter(
    (event) => event.type === eventType && event.time >= from && event.time < to && event.step <= step,
  );
  if (aggregation === 'COUNT') return { n: BigInt(events.length), d: 1n };
  if (aggregation === 'UNIQUE_COUNT')
    return { n: BigInt(new Set(events.map(({ value }) => value)).size), d: 1n };
  return events.reduce((sum, { value }) => plus(sum, fraction(value)), zero);
};

/** What a line costs; a flat fee for a part of a period costs that part. */
export const priceOfLine = (line: NaiveLine, used: Fraction): bigint => {
  const digits = digitsOf[line.currency]!;
  const { price, billingCadence } = line.card;
  if (price.type !== 'flat') return priceOfPeriod(line.card, used, digits);
  const length = { n: BigInt(line.to - line.from), d: BigInt(line.wholeTo - line.wholeFrom) };
  const whole = fraction(price.amount);
  const isPart = billingCadence !== null && length.n !== length.d;
  const amount = isPart ? rounded(times(whole, length), digits) : rounded(whole, digits);
  const card = { ...line.card, price: { ...price, amount: money(amount, digits) } };
  return priceOfPeriod(card, { n: 1n, d: 1n }, digits);
};

/** Decimal text of a quantity of at most nine decimals. */
export const quantityText = (quantity: Fraction): string => money((quantity.n * 10n ** 9n) / quantity.d, 9);

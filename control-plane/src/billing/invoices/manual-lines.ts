import { findFeature } from '../../catalog';
import type { IdentifierSource } from '../../primitives/identifiers';
import type { Period } from '../../primitives/periods';
import { invalid, notFound } from '../../primitives/refusal';
import type { Queryable } from '../../storage';
import { type DiscountTerms, discountsOf, type PriceTerms, priceOf } from '../plans/rate-card';
import { minorUnitsOf } from '../pricing/currencies';
import { problemsOfDiscounts, problemsOfPrice } from '../pricing/price';
import { type InvoiceLine, isMetered } from './invoice';

/** A line by hand: billed with the customer's next invoice. */
export interface NewLine {
  name: string;
  description?: string | undefined;
  metadata?: Record<string, string> | undefined;
  taxConfig?: Record<string, unknown> | undefined;
  /** Epoch milliseconds. */
  period: Period;
  invoiceAt: number;
  featureKey?: string | undefined;
  price: PriceTerms;
  discounts?: DiscountTerms | undefined;
}

/** A line of a simulation: what it would cost if so much was used. Decimal text. */
export interface SimulatedLine extends NewLine {
  quantity: string;
  preLinePeriodQuantity?: string | undefined;
}

/**
 * Lines by hand for an invoice, in the order given.
 * @throws Refusal `invalid_line` naming the field, `feature_not_found`
 */
export const manualLines = async (
  queryable: Queryable,
  invoice: { id: string; currency: string },
  inputs: readonly NewLine[],
  newId: IdentifierSource,
  now: number,
): Promise<InvoiceLine[]> => {
  const lines: InvoiceLine[] = [];
  for (const [index, input] of inputs.entries()) {
    checkLine(input, invoice.currency, `$.lines[${index}]`);
    const key = input.featureKey;
    const feature = key === undefined ? undefined : await findFeature(queryable, key);
    if (key !== undefined && !feature) throw notFound('feature', key);
    lines.push({
      id: newId(),
      invoiceId: invoice.id,
      managedBy: 'manual',
      origin: null,
      name: input.name,
      description: input.description ?? null,
      metadata: input.metadata ?? {},
      featureId: feature?.id ?? null,
      featureKey: feature?.key ?? null,
      price: input.price,
      discounts: input.discounts ?? null,
      taxConfig: input.taxConfig ?? null,
      period: input.period,
      invoiceAt: input.invoiceAt,
      correctsId: null,
      quantity: null,
      preLineQuantity: null,
      priced: null,
      createdAt: now,
      updatedAt: now,
    });
  }
  return lines;
};

const checkLine = (line: NewLine, currency: string, path: string): void => {
  const refuse = (field: string, message: string) =>
    invalid('invalid_line', `${field} ${message}`, [{ code: 'invalid_line', field, message }]);
  if (minorUnitsOf(currency) === undefined)
    throw refuse('$.currency', 'must be an ISO 4217 code such as USD');
  if (line.period.from >= line.period.to) throw refuse(`${path}.period`, 'must begin before it ends');
  const price = priceOf(line.price);
  const [problem] = [...problemsOfPrice(price), ...problemsOfDiscounts(discountsOf(line.discounts), price)];
  if (problem) throw refuse(`${path}.rateCard.${problem.field}`, problem.message);
  if (isMetered(line) && line.featureKey === undefined)
    throw refuse(`${path}.featureKey`, 'is needed: the price is by usage');
};

/** Prices as the API writes them; all amounts are exact decimal text. */
export interface Commitments {
  minimumAmount?: string;
  maximumAmount?: string;
}

export interface Tier {
  upToAmount?: string;
  flatPrice: { type: 'flat'; amount: string } | null;
  unitPrice: { type: 'unit'; amount: string } | null;
}

export type PriceTerms =
  | { type: 'flat'; amount: string; paymentTerm?: 'in_advance' | 'in_arrears' }
  | ({ type: 'unit'; amount: string } & Commitments)
  | ({ type: 'tiered'; mode: 'volume' | 'graduated'; tiers: Tier[] } & Commitments)
  | ({ type: 'package'; amount: string; quantityPerPackage: string } & Commitments)
  | ({ type: 'dynamic'; multiplier?: string } & Commitments);

export type PriceType = PriceTerms['type'];

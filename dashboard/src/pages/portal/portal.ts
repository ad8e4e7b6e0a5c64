/** What a customer sees of itself, as the API shows it; quantities are decimal text. */
export interface PortalSelf {
  subject: string;
  expiresAt: string;
  customer: { key: string | null; name: string } | null;
  seesLimits: boolean;
  seesInvoices: boolean;
  meters: PortalMeter[];
}

export interface PortalMeter {
  slug: string;
  name: string;
  aggregation: string;
}

export interface PortalLimit {
  feature: string;
  name: string;
  type: 'metered' | 'static' | 'boolean';
  hasAccess: boolean;
  isSoftLimit: boolean;
  usage: string | null;
  allowance: string | null;
  left: string | null;
  period: { from: string; to: string } | null;
  config: string | null;
}

export interface PortalInvoice {
  id: string;
  number: string;
  status: string;
  currency: string;
  total: string;
  period: { from: string; to: string } | null;
  issuedAt: string | null;
  dueAt: string | null;
  lines: PortalLine[];
}

export interface PortalLine {
  name: string;
  period: { from: string; to: string };
  quantity: string | null;
  total: string;
  details: { name: string; quantity: string; perUnitAmount: string; total: string }[];
}

export const portalPath = '/api/v1/portal';

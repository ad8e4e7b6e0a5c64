/** Where a customer stands under a policy, as the API shows it. */
export interface AccessState {
  policyId: string;
  feature: string;
  mode: 'enforce' | 'observe';
  gatewayId: string;
  gatewayKey: string;
  customerId: string;
  customerKey: string | null;
  customerName: string;
  wanted: 'in' | 'out' | 'unmanaged';
  reason: string;
  observed: 'in' | 'out' | 'partial' | 'unknown';
  status: 'in' | 'out' | 'pending' | 'failing';
  since: string | null;
  cause: string;
  observedAt: string | null;
  errorCode: string | null;
  error: string | null;
  errorSince: string | null;
  consumers: { id: string; username: string | null }[];
}

export interface Hold {
  id: string;
  customerId: string;
  feature: string | null;
  kind: 'hold' | 'allow';
  reason: string;
  endsAt: string | null;
  createdBy: string;
  createdAt: string;
}

export interface Policy {
  id: string;
  feature: string;
  /** The gateway's id. */
  gateway: string;
  leave: string[];
  join: string[];
  mode: 'enforce' | 'observe';
  createdAt: string;
  updatedAt: string;
}

export interface LogEntry {
  id: string;
  at: string;
  gatewayKey: string;
  feature: string;
  customerId: string;
  customerKey: string | null;
  consumer: string | null;
  access: 'in' | 'out';
  outcome: 'done' | 'already' | 'failed' | 'would';
  reason: string;
  cause: string;
  causedAt: string;
  durationMs: number;
  callMs: number;
  changes: { group: string; action: 'add' | 'remove'; answer: string }[];
  error: string | null;
}

export const accessPath = '/api/v1/access';

const causes: Readonly<Record<string, string>> = {
  usage: 'allowance used up',
  reset: 'a new period began',
  grant: 'a grant',
  schedule: 'a grant or a period changed by schedule',
  hold: 'held by hand',
  allow: 'let in by hand',
  hold_ended: 'a hold ended',
  allow_ended: 'an allowance by hand ended',
  policy: 'a policy was made or changed',
  drift: 'somebody else had changed it',
  sweep: 'found so',
  entitlement_deleted: 'the entitlement was deleted',
};

/** What made Tollgate look, in words; causes that have none are shown as they are. */
export const causeWords = (cause: string): string => causes[cause] ?? cause.replaceAll('_', ' ');

const reasons: Readonly<Record<string, string>> = {
  entitled: 'entitled',
  not_entitled: 'not entitled now',
  reported: 'as reported from elsewhere',
  hold: 'held by hand',
  allow: 'let in by hand',
  released: 'released',
  unmanaged: 'never sold',
};

export const reasonWords = (reason: string): string => reasons[reason] ?? reason;

export const accessTabs = [
  { label: 'Board', href: '/access' },
  { label: 'Policies', href: '/access/policies' },
  { label: 'Audit log', href: '/access/log' },
] as const;

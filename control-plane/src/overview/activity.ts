import type { AccessLogEntry } from '../enforcement';
import type { Crossing } from '../thresholds';

/** What happened to a customer's access, in kinds that people ask for. */
export const activityKinds = [
  'warned',
  'reached',
  'cut_off',
  'restored',
  'drift_repaired',
  'failed',
  'would_change',
] as const;
export type ActivityKind = (typeof activityKinds)[number];

/** One thing that happened. Times are epoch milliseconds, quantities decimal text. */
export interface Activity {
  /** Ascends with time. */
  id: string;
  at: number;
  kind: ActivityKind;
  /** The same for a limit that was reached and the cut-off that it caused; the latter tells it all. */
  group: string;
  customerId: string;
  customerKey: string | null;
  customerName: string;
  featureKey: string;
  /** What happened, to go on from the customer's name: "reached 100 % of api-requests (10,000)". */
  what: string;
  /** What followed at the gateway: "out of orders-access in 41 ms". */
  consequence: string | null;
  usage: string | null;
  allowance: string | null;
  gatewayKey: string | null;
  consumer: string | null;
  durationMs: number | null;
}

const groupOf = (customerId: string, featureKey: string, at: number): string =>
  `${customerId} ${featureKey} ${at}`;

/** Quantities with thousands separators, exactly as they are. */
export const separated = (quantity: string): string => {
  const [whole = '', fraction] = quantity.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
};

const lineText = ({ type, value, featureKey, allowance }: Crossing): string => {
  if (type === 'usage_percentage') return `reached ${value} % of ${featureKey} (${separated(allowance)})`;
  if (type === 'usage_value') return `used ${separated(value)} of ${featureKey} (${separated(allowance)})`;
  if (value === '0') return `used up ${featureKey} (${separated(allowance)})`;
  return `has ${separated(value)} or less left of ${featureKey} (${separated(allowance)})`;
};

/** A crossing, told by itself. */
export const activityOfCrossing = (crossing: Crossing): Activity => ({
  id: crossing.id,
  at: crossing.crossedAt,
  kind: crossing.isLimit ? 'reached' : 'warned',
  group: groupOf(crossing.customerId, crossing.featureKey, crossing.crossedAt),
  customerId: crossing.customerId,
  customerKey: crossing.customerKey,
  customerName: crossing.customerName,
  featureKey: crossing.featureKey,
  what: lineText(crossing),
  consequence: null,
  usage: crossing.usage,
  allowance: crossing.allowance,
  gatewayKey: null,
  consumer: null,
  durationMs: null,
});

/**
 * An entry of the access log, with the crossing that caused it where one is known.
 * @param customerName as it is now; undefined when nothing is known of the customer any more
 */
export const activityOfEntry = (
  entry: AccessLogEntry,
  customerName: string | undefined,
  crossing: Crossing | undefined,
): Activity => {
  const kind = kindOf(entry);
  const isByUsage = kind === 'cut_off' || kind === 'would_change' || kind === 'failed';
  const limit = isByUsage && entry.access === 'out' && entry.reason === 'not_entitled' ? crossing : undefined;
  return {
    id: entry.id,
    at: limit ? limit.crossedAt : entry.at,
    kind,
    group: groupOf(entry.customerId, entry.featureKey, entry.causedAt),
    customerId: entry.customerId,
    customerKey: entry.customerKey,
    customerName: customerName ?? entry.customerKey ?? entry.customerId,
    featureKey: entry.featureKey,
    what: limit ? lineText(limit) : reasonText(entry),
    consequence: consequenceOf(entry),
    usage: limit?.usage ?? null,
    allowance: limit?.allowance ?? null,
    gatewayKey: entry.gatewayKey,
    consumer: entry.consumer,
    durationMs: entry.durationMs,
  };
};

const kindOf = ({ outcome, cause, access }: AccessLogEntry): ActivityKind => {
  if (outcome === 'failed') return 'failed';
  if (outcome === 'would') return 'would_change';
  if (cause === 'drift') return 'drift_repaired';
  return access === 'out' ? 'cut_off' : 'restored';
};

/** Causes that say more than the reason does. */
const causes: Readonly<Record<string, (feature: string) => string>> = {
  usage: (feature) => `reached its limit of ${feature}`,
  reset: (feature) => `began a new period of ${feature}`,
  grant: (feature) => `was granted more of ${feature}`,
  hold_ended: (feature) => `is no longer held from ${feature}`,
  allow_ended: (feature) => `is no longer let in to ${feature} by hand`,
  entitlement_deleted: (feature) => `lost its entitlement to ${feature}`,
};

const reasonText = ({ access, cause, reason, featureKey, consumer }: AccessLogEntry): string => {
  if (cause === 'drift') {
    const name = consumer ? `${consumer} ` : '';
    return `${name}had been ${access === 'out' ? 'put back in' : 'taken out'} by somebody else`;
  }
  if (reason === 'hold') return `is held from ${featureKey} by hand`;
  if (reason === 'allow') return `is let in to ${featureKey} by hand`;
  if (reason === 'reported') {
    return access === 'out'
      ? `was reported to have used up ${featureKey}`
      : `was reported to have ${featureKey} again`;
  }
  const known = causes[cause];
  if (known && (cause !== 'usage' || access === 'out')) return known(featureKey);
  return access === 'out' ? `is no longer entitled to ${featureKey}` : `is entitled to ${featureKey}`;
};

/** Groups named in one sentence at most. */
const namedGroups = 3;

const consequenceOf = ({ access, outcome, changes, durationMs, error, cause }: AccessLogEntry): string => {
  const action = access === 'out' ? 'remove' : 'add';
  const groups = changes.filter((change) => change.action === action).map(({ group }) => group);
  const others = changes.filter((change) => change.action !== action).map(({ group }) => group);
  const named = (groups.length > 0 ? groups : others).slice(0, namedGroups).join(', ');
  const isJoined = groups.length > 0 ? action === 'add' : action === 'remove';
  const again = cause === 'drift' || access === 'in' ? (isJoined ? 'back in' : 'out again of') : undefined;
  const where = `${again ?? (isJoined ? 'in' : 'out of')} ${named}`;
  if (outcome === 'would') return `would be ${where}; this policy only observes`;
  if (outcome === 'failed') return `could not be ${where}: ${error ?? 'the gateway refused'}`;
  if (outcome === 'already') return `${where} already`;
  return `${where} in ${separated(String(durationMs))} ms`;
};

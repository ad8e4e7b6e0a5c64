import { formatQuantity, type Quantity, toQuantity, ZERO } from '../primitives/decimal';

const ONE_PERCENT = toQuantity('0.01');

/** PERCENT and NUMBER are OpenMeter's older names of usage_percentage and usage_value. */
export type ThresholdType = 'usage_percentage' | 'usage_value' | 'balance_value' | 'PERCENT' | 'NUMBER';

/** A line that a balance threshold rule draws. The value is not negative; percentages may exceed 100. */
export interface ThresholdLine {
  readonly type: ThresholdType;
  readonly value: Quantity;
}

/** What of an entitlement's standing the lines are held against. */
export interface MeasuredStanding {
  /** Usage in the period. */
  readonly usage: Quantity;
  /** The allowance E: the usage of the period at which the balance is zero; balance = max(0, E - usage). */
  readonly exhaustsAtUsage: Quantity;
  /** What grants gave in the period. It differs from E by overage that was carried into the period. */
  readonly totalAvailable: Quantity;
}

/** The same for lines that mean the same, so that each is told once. */
export function lineKey({ type, value }: ThresholdLine): string {
  return `${canonicalType(type)}:${formatQuantity(value)}`;
}

/**
 * Whether usage is AT or above the line. OpenMeter compares strictly (notification/consumer/entitlementbalancethreshold.go),
 * so that its 100 % comes one unit after access has ended; ours comes at exactly 100 %, with the end of access.
 *
 * - usage_value: usage >= value.
 * - usage_percentage: usage >= value percent of E.
 * - balance_value: balance <= value, 0 included.
 *
 * Where no grant gave anything, percentages and balances have no meaning and are never active, as in OpenMeter.
 */
export function isActive(line: ThresholdLine, standing: MeasuredStanding): boolean {
  const activeFrom = activeFromUsage(line, standing);
  return activeFrom !== undefined && standing.usage.greaterThanOrEqualTo(activeFrom);
}

/** The lines that are active, each once, in the order in which rising usage reaches them. */
export function activeLines(lines: readonly ThresholdLine[], standing: MeasuredStanding): ThresholdLine[] {
  const distinct = new Map(lines.map((line) => [lineKey(line), line]));
  const reached = [...distinct.values()].filter((line) => isActive(line, standing));
  const from = (line: ThresholdLine): Quantity => activeFromUsage(line, standing) ?? ZERO;
  return reached.sort((a, b) => from(a).comparedTo(from(b)));
}

/**
 * The smallest usage above the present one at which something must follow: a line becomes active, or the balance reaches
 * zero (a cut-off needs no rule). Below it, counting usage is all there is to do. Undefined when nothing lies ahead.
 */
export function nextUsageToWake(
  lines: readonly ThresholdLine[],
  standing: MeasuredStanding,
): Quantity | undefined {
  const points = lines.map((line) => activeFromUsage(line, standing));
  return [...points, standing.exhaustsAtUsage].reduce<Quantity | undefined>((next, point) => {
    if (point === undefined || !point.greaterThan(standing.usage)) return next;
    return next === undefined || point.lessThan(next) ? point : next;
  }, undefined);
}

export interface Crossings {
  /** Active and not told yet, in the order in which rising usage reaches them: all of them, also after a jump. */
  readonly tell: readonly ThresholdLine[];
  /** Keys of told lines that are to be forgotten, so that they are told when they are reached again. */
  readonly rearm: readonly string[];
}

/**
 * What is to be told now, given the keys of the lines already told in this period. A told line is armed again by a reset
 * (the caller then starts with nothing told), or by an allowance that grew beyond it: the line is inactive and E is larger
 * than when it was last looked at. Usage that falls and rises again (a LATEST meter, a negative amount) arms nothing, so a
 * level that teeters on a line is told once; OpenMeter tells it each time. A usage_value does not depend on the allowance:
 * only a reset arms it. An event that was taken back never happened, and neither did the crossings that lie behind now.
 *
 * @param previousAllowance E at the evaluation before this one; undefined at the first in a period
 * @param isTakenBack whether usage fell because an event was taken back
 */
export function crossingsToTell(
  lines: readonly ThresholdLine[],
  told: ReadonlySet<string>,
  standing: MeasuredStanding,
  previousAllowance: Quantity | undefined,
  isTakenBack = false,
): Crossings {
  const hasGrown = previousAllowance !== undefined && standing.exhaustsAtUsage.greaterThan(previousAllowance);
  const isBehind = (line: ThresholdLine): boolean =>
    (isTakenBack || canonicalType(line.type) !== 'usage_value') &&
    told.has(lineKey(line)) &&
    !isActive(line, standing);
  return {
    tell: activeLines(lines, standing).filter((line) => !told.has(lineKey(line))),
    rearm: hasGrown || isTakenBack ? [...new Set(lines.filter(isBehind).map(lineKey))] : [],
  };
}

/** The usage from which the line is active while the allowance stays as it is; undefined when it never is. */
function activeFromUsage(line: ThresholdLine, standing: MeasuredStanding): Quantity | undefined {
  const { exhaustsAtUsage, totalAvailable } = standing;
  const type = canonicalType(line.type);
  if (type === 'usage_value') return line.value;
  if (!totalAvailable.greaterThan(ZERO)) return undefined;
  if (type === 'usage_percentage') return exhaustsAtUsage.times(line.value).times(ONE_PERCENT);
  return line.value.isNegative() && !line.value.isZero() ? undefined : exhaustsAtUsage.minus(line.value);
}

function canonicalType(type: ThresholdType): 'usage_percentage' | 'usage_value' | 'balance_value' {
  if (type === 'PERCENT') return 'usage_percentage';
  return type === 'NUMBER' ? 'usage_value' : type;
}

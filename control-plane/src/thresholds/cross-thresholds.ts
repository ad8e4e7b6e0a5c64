import type { Evaluation } from '../entitlements';
import type { Quantity } from '../primitives/decimal';
import { toQuantity } from '../primitives/decimal';
import type { IdentifierSource } from '../primitives/identifiers';
import type { Transaction } from '../storage';
import { readToldLines, rearmLines, saveCrossings } from './crossing-store';
import { crossingsToTell, nextUsageToWake } from './crossings';
import type { ThresholdCrossed } from './facts';
import type { ThresholdWatch } from './watch-store';

export interface ThresholdOutcome {
  crossings: readonly ThresholdCrossed[];
  /** By entitlement id: the usage at which ingest must look again. */
  wakeAt: ReadonlyMap<string, Quantity>;
}

/**
 * Records every line that the evaluated entitlements have reached and that was not told yet in their period, arms lines
 * again where the allowance grew, and says at which usage to look again. Reset arms everything, since what was told is
 * kept by period.
 *
 * @param isTakenBack whether an event was taken back: lines that lie behind now are armed again
 */
export const crossThresholds = async (
  transaction: Transaction,
  evaluations: readonly Evaluation[],
  watches: readonly ThresholdWatch[],
  newId: IdentifierSource,
  now: number,
  isTakenBack = false,
): Promise<ThresholdOutcome> => {
  const metered = evaluations.filter((evaluation) => isMeteredAt(evaluation, now));
  const watchingOf = byFeature(watches);
  const watched = metered.filter((evaluation) => watchingOf(evaluation).length > 0);
  const told = await readToldLines(transaction, watched);
  const crossings: ThresholdCrossed[] = [];
  const rearmed: { evaluation: Evaluation; ruleId: string; line: string }[] = [];
  const wakeAt = new Map<string, Quantity>();

  for (const evaluation of metered) {
    const watching = watchingOf(evaluation);
    const wake = nextUsageToWake(
      watching.flatMap((watch) => [...watch.lines]),
      evaluation.standing,
    );
    if (wake) wakeAt.set(evaluation.entitlement.id, wake);
    for (const watch of watching) {
      const outcome = crossingsToTell(
        watch.lines,
        told.get(`${evaluation.entitlement.id} ${watch.ruleId}`) ?? new Set(),
        evaluation.standing,
        previousAllowance(evaluation),
        isTakenBack,
      );
      for (const line of outcome.rearm) rearmed.push({ evaluation, ruleId: watch.ruleId, line });
      for (const line of outcome.tell) {
        crossings.push({ id: newId(), ruleId: watch.ruleId, line, evaluation, crossedAt: now });
      }
    }
  }
  await rearmLines(transaction, rearmed, now);
  const recorded = await saveCrossings(transaction, crossings);
  return { crossings: crossings.filter(({ id }) => recorded.has(id)), wakeAt };
};

/** The watches that concern an evaluation's feature, looked for once a feature. */
const byFeature = (watches: readonly ThresholdWatch[]) => {
  const known = new Map<string, readonly ThresholdWatch[]>();
  return (evaluation: Evaluation): readonly ThresholdWatch[] => {
    const { id } = evaluation.feature;
    const watching = known.get(id) ?? watches.filter((watch) => concerns(watch, evaluation));
    known.set(id, watching);
    return watching;
  };
};

/** A planned or ended entitlement reaches nothing: nobody can use it. */
const isMeteredAt = ({ entitlement }: Evaluation, now: number): boolean =>
  entitlement.type === 'metered' &&
  entitlement.activeFrom <= now &&
  (entitlement.activeTo === null || now < entitlement.activeTo) &&
  (entitlement.deletedAt === null || now < entitlement.deletedAt);

const concerns = ({ features }: ThresholdWatch, { feature }: Evaluation): boolean =>
  features === null ||
  features.length === 0 ||
  features.includes(feature.id) ||
  features.includes(feature.key);

/** The allowance at the last evaluation, if that was in the same period. */
const previousAllowance = ({ before, period }: Evaluation): Quantity | undefined =>
  before && before.periodFrom === period.from ? toQuantity(before.exhaustsAt) : undefined;

/** Values on top of each other: the nth result is the sum of the first n + 1 series; gaps count as nothing. */
export const stackedValues = (series: readonly (readonly (number | null)[])[]): number[][] => {
  const sums: number[] = [];
  return series.map((values) =>
    values.map((value, index) => {
      sums[index] = (sums[index] ?? 0) + (value ?? 0);
      return sums[index];
    }),
  );
};

/**
 * The window that an instant falls in: the last one that begins before it, unless a gap without usage lies between. Windows
 * of one chart are about as long as the closest two are apart; a day or a month may be a little longer.
 */
export const windowAt = (starts: readonly number[], instant: number): number | undefined => {
  const index = starts.findLastIndex((start) => start <= instant);
  if (index < 0) return undefined;
  const apart = Math.min(...starts.slice(1).map((start, at) => start - starts[at]!));
  return instant - starts[index]! <= apart * 1.15 ? index : undefined;
};

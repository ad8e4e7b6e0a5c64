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

/** One value as it was at a moment of the run. */
export interface Sample {
  /** Minutes since the run began. */
  minute: number;
  value: number;
}

export interface Trend {
  mean: number;
  /** Of the straight line through the samples (least squares), per hour. */
  slopePerHour: number;
  /** What that line rises by over the samples' span. */
  rise: number;
}

/** @param samples at least two, of different moments */
export const trendOf = (samples: readonly Sample[]): Trend => {
  const count = samples.length;
  const meanMinute = samples.reduce((sum, { minute }) => sum + minute, 0) / count;
  const mean = samples.reduce((sum, { value }) => sum + value, 0) / count;
  let covariance = 0;
  let variance = 0;
  for (const { minute, value } of samples) {
    covariance += (minute - meanMinute) * (value - mean);
    variance += (minute - meanMinute) ** 2;
  }
  const slope = variance === 0 ? 0 : covariance / variance;
  const span =
    Math.max(...samples.map(({ minute }) => minute)) - Math.min(...samples.map(({ minute }) => minute));
  return { mean, slopePerHour: slope * 60, rise: slope * span };
};

/** How much a line may rise over the run and still be called flat: a share of the mean, and never less than `least`. */
export interface Tolerance {
  shareOfMean: number;
  least: number;
}

/** Falling is flat as well: nothing is used up. */
export const isFlat = ({ mean, rise }: Trend, { shareOfMean, least }: Tolerance): boolean =>
  rise <= Math.max(least, mean * shareOfMean);

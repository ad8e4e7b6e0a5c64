const firstMs = 500;
const mostMs = 15_000;

/** How long to wait before the nth attempt in a row (from 0), half of it by chance so that tabs do not come together. */
export const reconnectDelayMs = (attempt: number, random: number): number => {
  const most = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 10));
  return Math.round(most / 2 + (most / 2) * random);
};

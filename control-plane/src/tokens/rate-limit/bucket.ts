/**
 * A leaky bucket: each request pours one in, `perSecond` run out, and what would overflow is refused. So a token may send
 * `perSecond` requests a second for ever, and up to the capacity at once after a rest.
 */
export interface BucketLimits {
  perSecond: number;
  /** Requests that fit at once. */
  capacity: number;
}

export interface Bucket {
  /** Requests in it at the instant `at`. */
  level: number;
  /** Milliseconds of a clock that only grows. */
  at: number;
}

/** What is left at `now`. */
export const levelAt = (bucket: Bucket, limits: BucketLimits, now: number): number =>
  Math.max(0, bucket.level - (Math.max(0, now - bucket.at) * limits.perSecond) / 1_000);

/** Pours one request in; the bucket as it is then, or for how many seconds the caller should wait. */
export const pour = (
  bucket: Bucket,
  limits: BucketLimits,
  now: number,
): { bucket: Bucket } | { retryAfterSeconds: number } => {
  const level = levelAt(bucket, limits, now);
  const excess = level + 1 - limits.capacity;
  if (excess > 0) return { retryAfterSeconds: Math.max(1, Math.ceil(excess / limits.perSecond)) };
  return { bucket: { level: level + 1, at: now } };
};

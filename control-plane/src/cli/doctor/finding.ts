/** What one check found. */
export interface Finding {
  check: string;
  status: 'ok' | 'failed' | 'skipped';
  /** What was seen. */
  detail: string;
  /** What to do about it, where it failed. */
  remedy?: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail });

export const skipped = (check: string, detail: string): Finding => ({ check, status: 'skipped', detail });

export const failed = (check: string, detail: string, remedy: string): Finding => ({
  check,
  status: 'failed',
  detail,
  remedy,
});

/** The text of an error for people; a system's error is best told by its code. */
export const reasonOf = (error: unknown): string => {
  const { code, message } = error as { code?: string; message?: string };
  return message || code || String(error);
};

/** Clocks that differ by more than this put events into wrong periods and tokens out of force. */
export const maximumSkewMs = 5_000;

/** @param otherMs epoch ms that another clock showed between `beforeMs` and `afterMs` of ours */
export const skewFinding = (
  check: string,
  otherMs: number,
  beforeMs: number,
  afterMs: number,
  resolutionMs: number,
): Finding => {
  const skew = otherMs + resolutionMs / 2 - (beforeMs + afterMs) / 2;
  const off = Math.max(Math.abs(skew) - resolutionMs / 2 - (afterMs - beforeMs) / 2, 0);
  const seconds = Math.round(Math.abs(skew) / 1_000);
  if (off <= maximumSkewMs) return ok(check, 'the clocks agree');
  return failed(
    check,
    `its clock is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
    'set both clocks by NTP (timedatectl set-ntp true, or chrony)',
  );
};

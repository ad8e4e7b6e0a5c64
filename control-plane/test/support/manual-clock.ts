import type { Clock } from '../../src/primitives/clock';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  private nowMs: number;

  /** @param start epoch milliseconds, or an ISO 8601 instant */
  constructor(start: number | string) {
    this.nowMs = toMs(start);
  }

  now(): number {
    return this.nowMs;
  }

  set(instant: number | string): void {
    this.nowMs = toMs(instant);
  }

  advance(byMs: number): void {
    this.nowMs += byMs;
  }
}

function toMs(instant: number | string): number {
  const ms = typeof instant === 'number' ? instant : Date.parse(instant);
  if (!Number.isFinite(ms)) throw new RangeError(`not an instant: ${instant}`);
  return ms;
}

/** From this many events a millisecond on a request costs more than the wait that saves one. */
const busyEventsPerMs = 2;

/**
 * How long a batch waits for company, in milliseconds. Where events come slowly it never does, so an idle gateway is
 * told at once. Where they come faster than two a millisecond, batches begin no closer than `spacingMs`: a request
 * costs this process and the control plane as much as dozens of events, and without a pause each would carry but the
 * few that came while the one before was answered.
 */
export class Pace {
  private beganAt = Number.NEGATIVE_INFINITY;
  /** Events a millisecond, as the last two batches showed. */
  private rate = 0;

  constructor(private readonly spacingMs: number) {}

  /** A batch of so many events begins. `now` in ms, by any clock that does not jump. */
  begin(events: number, now: number): void {
    this.rate = events / Math.max(1, now - this.beganAt);
    this.beganAt = now;
  }

  /** Until the next batch may begin; 0: at once. `waiting` events are there, and `enough` fill a batch. */
  waitMs(waiting: number, enough: number, now: number): number {
    if (waiting >= enough || this.rate < busyEventsPerMs) return 0;
    return Math.max(0, this.beganAt + this.spacingMs - now);
  }
}

/** How many deliveries may be under way. */
export interface LaneLimits {
  /** In all lanes together. */
  total: number;
  /** In lanes on probation together, so that dead receivers, however many, leave room for the living. */
  probation: number;
  /** In one lane. */
  lane: number;
}

interface Lane {
  inFlight: number;
  /** How many at once: doubled by each success up to the limit, one after a failure. */
  window: number;
  /** The last attempt succeeded. Lanes are on probation until then, one delivery at a time. */
  isProven: boolean;
  /** Failures in a row. */
  failures: number;
  /** No delivery begins before this time. */
  restsUntil: number;
}

/** Lanes that are remembered while nothing goes on in them. */
const maximumIdleLanes = 10_000;

/** After the second failure in a row and each further one a lane rests, twice as long each time, milliseconds. */
const firstRestMs = 250;
const longestRestMs = 5_000;
const restAfter = (failures: number): number =>
  failures < 2 ? 0 : Math.min(longestRestMs, firstRestMs * 2 ** (failures - 2));

/**
 * Who may send next: one lane a channel, so that a slow or dead receiver delays nobody but itself. Lanes are served in
 * turn. A lane that answers gets a growing window; one that fails, hangs or was never tried sends one at a time and shares
 * a limited part of all slots with its like; one that keeps failing rests in between, so that working off what is due for a
 * dead receiver costs next to nothing. Holds no deliveries, only counts; pure but for its own state. Times are monotonic
 * milliseconds.
 */
export const createLanes = (limits: LaneLimits) => {
  const lanes = new Map<string, Lane>();
  /** The line of channels that may have due deliveries in the table. */
  const waiting = new Set<string>();
  let inFlight = 0;
  let onProbation = 0;

  const laneOf = (channelId: string): Lane => {
    let lane = lanes.get(channelId);
    if (!lane) {
      lane = { inFlight: 0, window: 1, isProven: false, failures: 0, restsUntil: 0 };
      lanes.set(channelId, lane);
      forgetIdle();
    }
    return lane;
  };
  const forgetIdle = (): void => {
    if (lanes.size <= maximumIdleLanes) return;
    for (const [id, lane] of lanes) {
      if (lane.inFlight === 0 && !waiting.has(id)) lanes.delete(id);
      if (lanes.size <= maximumIdleLanes) return;
    }
  };
  const countOf = (lane: Lane): number => (lane.isProven ? 0 : lane.inFlight);
  /** Changes a lane and keeps the sums. */
  const change = (lane: Lane, apply: () => void): void => {
    inFlight -= lane.inFlight;
    onProbation -= countOf(lane);
    apply();
    inFlight += lane.inFlight;
    onProbation += countOf(lane);
  };

  return {
    /** There may be due deliveries for these channels. */
    want: (channelIds: Iterable<string>): void => {
      for (const id of channelIds) waiting.add(id);
    },

    /**
     * What to take now, at most `maximum` lanes: the free slots of those that may have more, which count as taken until
     * {@link settle} says how many were. Lanes that are served go to the end of the line.
     */
    claim: (maximum: number, now: number): { channelId: string; slots: number }[] => {
      const claims: { channelId: string; slots: number }[] = [];
      for (const channelId of waiting) {
        if (claims.length >= maximum || inFlight >= limits.total) break;
        const lane = laneOf(channelId);
        if (now < lane.restsUntil) continue;
        const room = lane.isProven
          ? Math.min(lane.window - lane.inFlight, limits.total - inFlight)
          : Math.min(1 - lane.inFlight, limits.probation - onProbation, limits.total - inFlight);
        if (room <= 0) continue;
        claims.push({ channelId, slots: room });
        waiting.delete(channelId);
        change(lane, () => {
          lane.inFlight += room;
        });
      }
      return claims;
    },

    /** Of `slots` claimed, `taken` deliveries were due; when all were, there may be more. */
    settle: (channelId: string, slots: number, taken: number): void => {
      const lane = laneOf(channelId);
      change(lane, () => {
        lane.inFlight -= slots - taken;
      });
      if (taken === slots) waiting.add(channelId);
    },

    /** A delivery ended. */
    finish: (channelId: string, succeeded: boolean, now: number): void => {
      const lane = laneOf(channelId);
      change(lane, () => {
        lane.inFlight -= 1;
        lane.window = succeeded ? Math.min(limits.lane, lane.window * 2) : 1;
        lane.isProven = succeeded;
        lane.failures = succeeded ? 0 : lane.failures + 1;
        lane.restsUntil = now + restAfter(lane.failures);
      });
    },

    inFlight: (): number => inFlight,
  };
};

import type { SeededRandom } from '../support/random';

/** What is killed, when, and for how long it stays away. */
export interface PlannedKill {
  victim: string;
  /** When this share of all events is acknowledged, in [0, 1). */
  atShare: number;
  downMs: number;
}

const longestDownMs = 1_500;

/**
 * Kills spread over the run at random moments. Every victim is met as often as every other, give or take one, so that the
 * kinds named first are never left out when there are fewer kills than victims.
 */
export const planKills = (
  count: number,
  kinds: readonly (readonly string[])[],
  random: SeededRandom,
): PlannedKill[] => {
  // One of each kind first: control planes must not crowd out the one Redis.
  const victims: string[] = [];
  while (victims.length < count) {
    for (const kind of random.shuffled(kinds)) victims.push(kind[random.below(kind.length)]!);
  }
  return random.shuffled(victims.slice(0, count)).map((victim, index) => ({
    victim,
    atShare: (index + 0.2 + 0.6 * random.next()) / (count + 1),
    downMs: random.below(longestDownMs),
  }));
};

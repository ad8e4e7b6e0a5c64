/** The history of a balance as the API answers it. */
export interface History {
  windowedHistory: { period: Span; usage: number; balanceAtStart: number }[];
  burndownHistory: {
    period: Span;
    usage: number;
    overage: number;
    balanceAtStart: number;
    balanceAtEnd: number;
    grantBalancesAtStart: Record<string, number>;
    grantBalancesAtEnd: Record<string, number>;
  }[];
}

interface Span {
  from: string;
  to: string;
}

export interface BurnDown {
  times: number[];
  /** Grant ids, in the order in which they were first seen, with the balance of each at every time. */
  grants: { id: string; values: number[] }[];
}

/**
 * What is left of each grant over time. A stretch gives its ends; within it the windows tell how usage was spread, and
 * each grant burns by the share of the stretch's usage that had come by then.
 */
export const burnDownOf = ({ windowedHistory, burndownHistory }: History): BurnDown => {
  const times: number[] = [];
  const points: Record<string, number>[] = [];
  const add = (time: number, balances: Record<string, number>): void => {
    // At a reset one stretch ends and another begins at the same instant: a millisecond apart, so both are drawn.
    const last = times.at(-1);
    times.push(last !== undefined && time <= last ? last + 1 : time);
    points.push(balances);
  };
  for (const stretch of burndownHistory) {
    const from = Date.parse(stretch.period.from);
    const to = Date.parse(stretch.period.to);
    add(from, stretch.grantBalancesAtStart);
    let used = 0;
    for (const window of windowedHistory) {
      const end = Date.parse(window.period.to);
      if (Date.parse(window.period.from) < from || end >= to) continue;
      used += window.usage;
      const share = stretch.usage > 0 ? Math.min(1, used / stretch.usage) : 0;
      add(end, between(stretch.grantBalancesAtStart, stretch.grantBalancesAtEnd, share));
    }
    add(to, stretch.grantBalancesAtEnd);
  }
  const ids = [...new Set(points.flatMap((balances) => Object.keys(balances)))];
  return { times, grants: ids.map((id) => ({ id, values: points.map((balances) => balances[id] ?? 0) })) };
};

const between = (
  start: Record<string, number>,
  end: Record<string, number>,
  share: number,
): Record<string, number> =>
  Object.fromEntries(
    Object.entries(start).map(([id, balance]) => [id, balance + ((end[id] ?? 0) - balance) * share]),
  );

/** The window in which a span is read: fine enough to see, few enough to answer at once. */
export const historyWindow = (from: number, to: number): 'MINUTE' | 'HOUR' | 'DAY' => {
  const hours = (to - from) / 3_600_000;
  if (hours <= 8) return 'MINUTE';
  return hours <= 24 * 20 ? 'HOUR' : 'DAY';
};

/** One row of a meter query's answer. */
export interface UsageRow {
  /** A number, or decimal text where a number would lose digits. */
  value: number | string;
  windowStart: string;
  windowEnd: string;
  subject: string | null;
  customerId?: string;
  groupBy: Record<string, string | null>;
}

export interface UsageAnswer {
  data: readonly UsageRow[];
}

/** Reads an answer without losing a digit: the server writes all of them, and a double holds fifteen. */
export const readUsage = (text: string): UsageAnswer =>
  JSON.parse(
    text.replace(/("value":)(-?\d+(?:\.\d+)?)/g, (whole, name: string, digits: string) =>
      digits.replace(/\D/g, '').length > 15 ? `${name}"${digits}"` : whole,
    ),
  ) as UsageAnswer;

export interface UsageSeries {
  times: number[];
  ends: number[];
  series: { label: string; values: (number | null)[] }[];
}

/** More groups than this cannot be told apart; the rest is one series. */
const groupLimit = 7;
const othersLabel = 'others';

export const groupOf = (row: UsageRow, groupBy: string | undefined): string => {
  if (groupBy === undefined) return '';
  return (groupBy === 'subject' ? row.subject : row.groupBy[groupBy]) ?? '(none)';
};

/** The groups of a total by what they used, the largest first. */
export const rankGroups = (
  rows: readonly UsageRow[],
  groupBy: string | undefined,
): { label: string; value: number | string }[] =>
  rows
    .map((row) => ({ label: groupOf(row, groupBy), value: row.value }))
    .sort((a, b) => Number(b.value) - Number(a.value));

/** Rows as series over the windows that have any usage; the largest groups by themselves, the others added up. */
export const seriesOf = (
  rows: readonly UsageRow[],
  groupBy: string | undefined,
  name: string,
): UsageSeries => {
  const ends = new Map<number, number>();
  const sums = new Map<string, number>();
  for (const row of rows) {
    ends.set(Date.parse(row.windowStart), Date.parse(row.windowEnd));
    const group = groupOf(row, groupBy);
    sums.set(group, (sums.get(group) ?? 0) + Number(row.value));
  }
  const times = [...ends.keys()].sort((a, b) => a - b);
  const ranked = [...sums.entries()].sort((a, b) => b[1] - a[1]).map(([group]) => group);
  const shown = ranked.length > groupLimit + 1 ? ranked.slice(0, groupLimit) : ranked;
  const labels = ranked.length > shown.length ? [...shown, othersLabel] : shown;
  const indexOfTime = new Map(times.map((time, index) => [time, index]));
  const series = labels.map((group) => ({
    label: groupBy === undefined ? name : group,
    values: times.map((): number | null => null),
  }));
  const indexOfGroup = new Map(shown.map((group, index) => [group, index]));
  for (const row of rows) {
    const values = series[indexOfGroup.get(groupOf(row, groupBy)) ?? series.length - 1]!.values;
    const at = indexOfTime.get(Date.parse(row.windowStart))!;
    values[at] = (values[at] ?? 0) + Number(row.value);
  }
  return { times, ends: times.map((time) => ends.get(time)!), series };
};

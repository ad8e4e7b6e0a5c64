/** HTTP statuses from `first` to `last`, both included. */
export interface StatusRange {
  readonly first: number;
  readonly last: number;
}

/** Reads `404` or `200-299`; undefined when the text is neither or outside 100 to 599. */
export function parseStatusRange(text: string): StatusRange | undefined {
  const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text.trim());
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last ? { first, last } : undefined;
}

/** No ranges at all means that every status counts. */
export function includesStatus(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.length === 0 || ranges.some(({ first, last }) => status >= first && status <= last);
}

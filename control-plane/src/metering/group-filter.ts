/**
 * A condition on one text: OpenMeter's FilterString. All operators of one object must hold. `$like` knows `%` and `_`;
 * `$contains` takes its text as it stands, as v3 of OpenMeter's API has it.
 */
export interface TextFilter {
  $eq?: string;
  $ne?: string;
  $in?: string[];
  $nin?: string[];
  $like?: string;
  $nlike?: string;
  $contains?: string;
  $ncontains?: string;
  $ilike?: string;
  $nilike?: string;
  $gt?: string;
  $gte?: string;
  $lt?: string;
  $lte?: string;
  $and?: TextFilter[];
  $or?: TextFilter[];
}

/** Conditions by group-by key; all must hold. */
export type GroupFilter = Record<string, TextFilter>;

/**
 * Whether `text` matches a LIKE pattern. Walks both in one pass with a single point of return, so no pattern can make it
 * take longer than the product of the two lengths.
 */
export const isLike = (text: string, pattern: string): boolean => {
  let t = 0;
  let p = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === '%') {
      star = p;
      resume = t;
      p += 1;
    } else if (p < pattern.length && (pattern[p] === '_' || pattern[p] === text[t])) {
      t += 1;
      p += 1;
    } else if (star >= 0) {
      p = star + 1;
      resume += 1;
      t = resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '%') p += 1;
  return p === pattern.length;
};

export const matchesText = (filter: TextFilter, text: string): boolean =>
  (filter.$eq === undefined || text === filter.$eq) &&
  (filter.$ne === undefined || text !== filter.$ne) &&
  (filter.$in === undefined || filter.$in.includes(text)) &&
  (filter.$nin === undefined || !filter.$nin.includes(text)) &&
  (filter.$like === undefined || isLike(text, filter.$like)) &&
  (filter.$nlike === undefined || !isLike(text, filter.$nlike)) &&
  (filter.$contains === undefined || text.includes(filter.$contains)) &&
  (filter.$ncontains === undefined || !text.includes(filter.$ncontains)) &&
  (filter.$ilike === undefined || isLike(text.toLowerCase(), filter.$ilike.toLowerCase())) &&
  (filter.$nilike === undefined || !isLike(text.toLowerCase(), filter.$nilike.toLowerCase())) &&
  (filter.$gt === undefined || text > filter.$gt) &&
  (filter.$gte === undefined || text >= filter.$gte) &&
  (filter.$lt === undefined || text < filter.$lt) &&
  (filter.$lte === undefined || text <= filter.$lte) &&
  (filter.$and === undefined || filter.$and.every((part) => matchesText(part, text))) &&
  (filter.$or === undefined || filter.$or.some((part) => matchesText(part, text)));

/** Whether a combination of group-by values passes; a key that the meter does not know reads as the empty text. */
export const matchesGroups = (filter: GroupFilter, groups: Readonly<Record<string, string>>): boolean =>
  Object.entries(filter).every(([key, condition]) => matchesText(condition, groups[key] ?? ''));

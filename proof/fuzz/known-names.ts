import type { SeededRandom } from '../support/random';

/** Names and ids remembered of one collection at most; the oldest go. */
const maximumNames = 200;
const nameFields = ['id', 'key', 'slug', 'identifier', 'feature_key', 'event_name'] as const;

/**
 * What the server has, learned from its answers: requests that name something real get further than those that do not.
 * Collections go by the part of the path before a parameter: `/api/v1/meters/{id}` takes what `/api/v1/meters` told.
 */
export const createKnownNames = (isKeptOut: (name: string) => boolean) => {
  const collections = new Map<string, string[]>();

  const learn = (collection: string, name: unknown): void => {
    if (typeof name !== 'string' || name === '' || name.length > 64 || isKeptOut(name)) return;
    let names = collections.get(collection);
    if (!names) {
      names = [];
      collections.set(collection, names);
    }
    if (names.includes(name)) return;
    names.push(name);
    if (names.length > maximumNames) names.shift();
  };

  const learnFrom = (collection: string, answer: unknown): void => {
    if (typeof answer !== 'object' || answer === null) return;
    const record = answer as Record<string, unknown>;
    const items = Array.isArray(answer) ? answer : (record.items ?? record.data);
    if (Array.isArray(items)) {
      for (const item of items.slice(0, 20)) if (!Array.isArray(item)) learnFrom(collection, item);
      return;
    }
    for (const field of nameFields) learn(collection, record[field]);
  };

  return {
    learnFrom,
    one: (collection: string, random: SeededRandom): string | undefined => {
      const names = collections.get(collection);
      return names?.[random.below(names.length)];
    },
    any: (random: SeededRandom): string | undefined => {
      const all = [...collections.values()];
      const names = all[random.below(Math.max(all.length, 1))];
      return names?.[random.below(names.length)];
    },
  };
};

export type KnownNames = ReturnType<typeof createKnownNames>;

import type { SeededRandom } from '../support/random';
import { hostileTexts, hostileValue } from './hostile-values';

/** The same value with one thing wrong. Whole values are replaced, never characters: an address stays one of loopback. */
export const mutate = (value: unknown, random: SeededRandom): unknown => {
  if (typeof value !== 'object' || value === null || random.next() < 0.15) return hostileValue(random);
  if (Array.isArray(value)) {
    const copy = [...value];
    const at = random.below(Math.max(copy.length, 1));
    switch (random.below(3)) {
      case 0:
        copy.splice(at, 1);
        break;
      case 1:
        // The same again and again: duplicates within a request.
        copy.push(...Array.from({ length: 1 + random.below(20) }, () => value[at]));
        break;
      default:
        copy[at] = mutate(value[at], random);
    }
    return copy;
  }
  const entries = Object.entries(value);
  const at = random.below(Math.max(entries.length, 1));
  switch (entries.length === 0 ? 1 : random.below(4)) {
    case 0:
      entries.splice(at, 1);
      break;
    case 1:
      entries.push([hostileTexts[random.below(hostileTexts.length)]!, hostileValue(random)]);
      break;
    default:
      entries[at] = [entries[at]![0], mutate(entries[at]![1], random)];
  }
  // JSON.parse makes a key of its own of "__proto__", as a request body would.
  return JSON.parse(
    `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${JSON.stringify(part) ?? 'null'}`).join(',')}}`,
  );
};

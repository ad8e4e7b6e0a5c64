/**
 * A Bloom filter over the events of one storage week that takes no more: it tells that an event surely does not stand in
 * that week, so that ingest looks only the few others up. It errs to one side alone: an event that stands there is never
 * denied.
 */
export interface WeekFilter {
  add(id: string, source: string): void;
  /** False when the event surely is not in the week. */
  mayHold(identity: IdentityHash): boolean;
  readonly bytes: number;
}

/** Two 32-bit hashes of (source, id), from which all places in a filter follow. */
export interface IdentityHash {
  first: number;
  second: number;
}

/** Twelve bits an event and eight places: about one new event of 300 is looked up in vain. */
const bitsPerEvent = 12;
const placeCount = 8;

/** Bytes of a filter for `events` events. */
export const filterBytes = (events: number): number => Math.max(8, Math.ceil((events * bitsPerEvent) / 8));

/** The finalizer of MurmurHash3 (32 bit): every bit of the input changes half of the output. */
const mix = (value: number): number => {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** FNV-1a over the code units. */
const hashText = (text: string, basis: number): number => {
  let hash = basis;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
};

/** The events of a batch mostly have one source, so that its hash need not be made for each. */
let lastSource = '';
let lastSourceHash = 0;

/**
 * Both hashes follow from 32 bits of the identity. Two events that agree in those are looked up in vain as well: one of
 * 2,000 in a week of two million, less than the filter itself lets pass.
 */
export const hashIdentity = (id: string, source: string): IdentityHash => {
  if (source !== lastSource) {
    lastSource = source;
    lastSourceHash = mix(hashText(source, 0x9747b28c));
  }
  // Mixing in between keeps (a, bc) and (ab, c) apart.
  const hash = hashText(id, lastSourceHash);
  // An odd step visits different places.
  return { first: mix(hash), second: (mix(hash ^ 0x5bd1e995) | 1) >>> 0 };
};

/** @param events how many the week holds; more may be added at the price of looking more of them up in vain */
export const createWeekFilter = (events: number): WeekFilter => {
  const bits = new Uint8Array(filterBytes(events));
  const size = bits.length * 8;
  return {
    bytes: bits.length,
    add: (id, source) => {
      const { first, second } = hashIdentity(id, source);
      for (let index = 0; index < placeCount; index += 1) {
        const place = (first + index * second) % size;
        bits[Math.floor(place / 8)]! |= 1 << (place % 8);
      }
    },
    mayHold: ({ first, second }) => {
      for (let index = 0; index < placeCount; index += 1) {
        const place = (first + index * second) % size;
        if ((bits[Math.floor(place / 8)]! & (1 << (place % 8))) === 0) return false;
      }
      return true;
    },
  };
};

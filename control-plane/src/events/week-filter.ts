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

/** Two 32-bit hashes of (source, id): the first chooses the block of a filter, the second the places in it. */
export interface IdentityHash {
  first: number;
  second: number;
}

/**
 * Twelve bits an event and eight places, all of them in one block of 64 bytes: that is a line of the processor's cache, so
 * that an event that is not in a week costs one look into memory. About one new event of 200 is looked up in vain.
 */
const bitsPerEvent = 12;
const placeCount = 8;
const blockBits = 512;
const wordsPerBlock = blockBits / 32;

const blocksFor = (events: number): number => Math.max(1, Math.ceil((events * bitsPerEvent) / blockBits));

/** Bytes of a filter for `events` events. */
export const filterBytes = (events: number): number => (blocksFor(events) * blockBits) / 8;

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
  return { first: mix(hash), second: mix(hash ^ 0x5bd1e995) };
};

/** From one place to the next: multiplied by 2^32 divided by the golden ratio, its high bits mixed into the low ones. */
const nextPlace = (place: number): number => Math.imul(place, 0x9e3779b1) ^ (place >>> 15);

/** @param events how many the week holds; more may be added at the price of looking more of them up in vain */
export const createWeekFilter = (events: number): WeekFilter => {
  const blocks = blocksFor(events);
  const words = new Uint32Array(blocks * wordsPerBlock);
  const blockOf = (hash: number): number => Math.floor((hash / 2 ** 32) * blocks) * wordsPerBlock;
  return {
    bytes: words.byteLength,
    add: (id, source) => {
      const { first, second } = hashIdentity(id, source);
      const block = blockOf(first);
      let place = second;
      for (let index = 0; index < placeCount; index += 1) {
        words[block + ((place & (blockBits - 1)) >>> 5)]! |= 1 << (place & 31);
        place = nextPlace(place);
      }
    },
    mayHold: ({ first, second }) => {
      const block = blockOf(first);
      let place = second;
      for (let index = 0; index < placeCount; index += 1) {
        if ((words[block + ((place & (blockBits - 1)) >>> 5)]! & (1 << (place & 31))) === 0) return false;
        place = nextPlace(place);
      }
      return true;
    },
  };
};

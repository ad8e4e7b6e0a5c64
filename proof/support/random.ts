/** Numbers that a seed decides, so that a run can be repeated; mulberry32, whose state is 32 bits. */
export interface SeededRandom {
  seed: number;
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, below). */
  below(below: number): number;
  /** The same values in another order. */
  shuffled<T>(values: readonly T[]): T[];
}

/** The seed that `--seed=N` or SEED names, else one of this moment. */
export const seedFrom = (args: readonly string[]): number => {
  const given = args.find((argument) => argument.startsWith('--seed='))?.slice(7) ?? process.env.SEED;
  return given === undefined ? Date.now() >>> 0 : Number(given) >>> 0;
};

export const seededRandom = (seed: number): SeededRandom => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    seed,
    next,
    below,
    shuffled: (values) => {
      const mixed = [...values];
      for (let last = mixed.length - 1; last > 0; last -= 1) {
        const other = below(last + 1);
        [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
      }
      return mixed;
    },
  };
};

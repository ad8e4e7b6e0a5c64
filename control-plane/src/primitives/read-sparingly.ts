export interface SparingOptions {
  /** A result is used again for at least this long, milliseconds. */
  minimumAgeMs: number;
  /** And for this many times as long as reading it took, so that reading never takes a larger share of the time. */
  restFactor?: number;
  /** Milliseconds that only ever rise. */
  monotonicNow?: () => number;
}

/**
 * Reads something costly no more often than it is worth, however many ask: those who ask at the same time share one
 * reading, and what was read is used again for a while. A failure is not remembered.
 */
export const readSparingly = <T>(read: () => Promise<T>, options: SparingOptions): (() => Promise<T>) => {
  const { minimumAgeMs, restFactor = 20, monotonicNow = () => performance.now() } = options;
  let current: Promise<T> | undefined;
  let goodUntil = Number.NEGATIVE_INFINITY;
  let isReading = false;

  const start = (): Promise<T> => {
    const startedAt = monotonicNow();
    isReading = true;
    const reading = read().finally(() => {
      isReading = false;
      const endedAt = monotonicNow();
      goodUntil = endedAt + Math.max(minimumAgeMs, restFactor * (endedAt - startedAt));
    });
    reading.catch(() => {
      if (current === reading) current = undefined;
    });
    current = reading;
    return reading;
  };

  return () => (current && (isReading || monotonicNow() < goodUntil) ? current : start());
};

/** Questions that are remembered at the same time. */
const maximumQuestions = 50;

/** The same for a reading with a question: each is read sparingly, and those asked first are forgotten first. */
export const readEachSparingly = <Question, T>(
  read: (question: Question) => Promise<T>,
  options: SparingOptions,
): ((question: Question) => Promise<T>) => {
  const readers = new Map<string, () => Promise<T>>();
  return (question) => {
    const key = JSON.stringify(question);
    const reader = readers.get(key) ?? readSparingly(() => read(question), options);
    readers.set(key, reader);
    if (readers.size > maximumQuestions) readers.delete(readers.keys().next().value!);
    return reader();
  };
};

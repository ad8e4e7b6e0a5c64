/** Waits until a condition holds; fails with the last value when the test's patience is over. */
export async function eventually<T>(read: () => T | Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`never became true; last value ${JSON.stringify(value)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

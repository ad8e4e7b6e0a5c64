/** Lets loops sleep until something happens. A signal raised while nobody sleeps is kept for the next sleeper. */
export class Signal {
  private readonly sleepers = new Set<() => void>();
  private isRaised = false;

  raise(): void {
    if (this.sleepers.size === 0) {
      this.isRaised = true;
      return;
    }
    for (const wake of [...this.sleepers]) wake();
  }

  /** Resolves at the next signal or after `timeoutMs`, whichever comes first. */
  wait(timeoutMs?: number): Promise<void> {
    if (this.isRaised) {
      this.isRaised = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => wake(), timeoutMs);
      const wake = () => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
        resolve();
      };
      this.sleepers.add(wake);
    });
  }
}

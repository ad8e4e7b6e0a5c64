/** What Kong sends to start an instance; `Config` is JSON and holds the API token, so it stays in memory. */
export interface InstanceStart {
  readonly Name: string;
  readonly Config: string;
}

/** Knows every instance that Kong has started, whichever process it told. */
export interface InstanceDirectory {
  /** An id that no other instance has or had. */
  reserve(): Promise<number>;
  /** From when this resolves every process can find the instance. */
  record(id: number, start: InstanceStart): Promise<void>;
  find(id: number): Promise<InstanceStart | undefined>;
  forget(id: number): Promise<void>;
  ids(): Promise<number[]>;
}

/** Kong closes what it replaces; this bounds what it forgets to close. */
const maxInstances = 10_000;

/** The directory itself, in the one process or in the parent of several. */
export class LocalInstanceDirectory implements InstanceDirectory {
  private readonly starts = new Map<number, InstanceStart>();
  private lastId = 0;

  async reserve(): Promise<number> {
    this.lastId += 1;
    return this.lastId;
  }

  async record(id: number, start: InstanceStart): Promise<void> {
    this.starts.set(id, start);
    if (this.starts.size <= maxInstances) return;
    const [oldest] = this.starts.keys();
    this.starts.delete(oldest as number);
  }

  async find(id: number): Promise<InstanceStart | undefined> {
    return this.starts.get(id);
  }

  async forget(id: number): Promise<void> {
    this.starts.delete(id);
  }

  async ids(): Promise<number[]> {
    return [...this.starts.keys()];
  }
}

import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Configuration, DeliverySettings, JournalSettings } from '../configuration/configuration';
import { JournalLock } from '../journal/journal-lock';
import type { DestinationState } from '../observability/measurements';
import { Destination, type DestinationPorts } from './destination';

/** What the plugin server decides for all destinations; an absent value leaves it to the configuration in Kong. */
export interface JournalPlace {
  readonly directory?: string | undefined;
  /** Folder below the journal's for this process alone. */
  readonly slot: string;
  readonly maxBytes?: number | undefined;
  readonly fsync?: JournalSettings['fsync'] | undefined;
}

type DestinationConfiguration = Pick<Configuration, 'delivery' | 'holding' | 'journal'>;

/**
 * All destinations of this process by their endpoint. They outlive plugin instances: Kong makes new ones at each
 * configuration reload and never says when an old one is done with.
 */
export class Destinations {
  private readonly opened = new Map<string, Destination>();
  private readonly opening = new Map<string, Promise<Destination>>();
  private readonly locks = new Map<string, Promise<JournalLock>>();
  private place: JournalPlace = { slot: '1' };

  constructor(private readonly ports: () => DestinationPorts) {}

  /** Before the first destination is opened. Rejects with JournalLocked while another process has the folder. */
  async keepJournalsIn(place: JournalPlace): Promise<void> {
    this.place = place;
    if (place.directory === undefined) return;
    const directory = join(place.directory, place.slot);
    await this.lock(directory);
    const waiting = readdirSync(directory, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    ).length;
    if (waiting === 0) return;
    const message =
      'an earlier run left journals; each is delivered from when Kong starts an instance for its endpoint';
    this.ports().log('info', message, { journals: waiting });
  }

  /** The destination of this configuration, opened when needed; rejects when its journal cannot be used. */
  open(configuration: DestinationConfiguration): Promise<Destination> {
    const key = configuration.delivery.endpoint;
    const opened = this.opened.get(key);
    if (opened) return Promise.resolve(opened);
    const underWay = this.opening.get(key);
    if (underWay) return underWay;
    const opening = this.create(configuration).finally(() => this.opening.delete(key));
    this.opening.set(key, opening);
    return opening;
  }

  /** Opens the destination, and gives it the settings of the newest configuration. */
  async configure(configuration: DestinationConfiguration): Promise<Destination> {
    const destination = await this.open(configuration);
    destination.configure(configuration.delivery);
    return destination;
  }

  states(): DestinationState[] {
    return [...this.opened.values()].map(({ state }) => state);
  }

  /** Delivers what waits for at most `deadlineMs`, closes the journals and gives up their locks. */
  async drain(deadlineMs: number): Promise<void> {
    await Promise.all([...this.opened.values()].map((destination) => destination.drain(deadlineMs)));
    this.opened.clear();
    for (const lock of this.locks.values()) (await lock).release();
    this.locks.clear();
  }

  private async create({ delivery, holding, journal }: DestinationConfiguration): Promise<Destination> {
    const root = this.place.directory ?? journal.directory ?? this.temporaryDirectory();
    const directory = join(root, this.place.slot);
    await this.lock(directory);
    const destination = new Destination(
      delivery,
      holding,
      {
        directory: join(directory, directoryName(delivery)),
        maxBytes: this.place.maxBytes ?? journal.maxBytes,
        segmentBytes: journal.segmentBytes,
        fsync: this.place.fsync ?? journal.fsync,
        fsyncIntervalMs: journal.fsyncIntervalMs,
      },
      this.ports(),
    );
    this.opened.set(delivery.endpoint, destination);
    return destination;
  }

  private lock(directory: string): Promise<JournalLock> {
    const held = this.locks.get(directory);
    if (held) return held;
    const lock = JournalLock.acquire(directory);
    this.locks.set(directory, lock);
    lock.catch(() => this.locks.delete(directory));
    return lock;
  }

  private temporaryDirectory(): string {
    const directory = join(tmpdir(), 'tollgate-journal');
    this.ports().log('warn', 'no journal folder is configured; a restart of the machine may empty this one', {
      directory,
    });
    return directory;
  }
}

/** A hash, since an address may hold what should not be written down, and any address must make a file name. */
function directoryName({ endpoint }: DeliverySettings): string {
  return createHash('sha256').update(endpoint).digest('hex').slice(0, 16);
}

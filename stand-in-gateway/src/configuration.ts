import { createHash } from 'node:crypto';
import type { EntityStore } from './entities/entity-store';
import type { ProxyView } from './proxy/proxy-view';

/** How much of the proxies' view a change concerns. */
type Change = { consumerId: string } | 'routes' | 'everything';

/** Where there is no configuration, Kong's hash is all zeros. */
const EMPTY_HASH = '0'.repeat(32);

/**
 * The configuration that the Admin API reads and writes, and the proxy views that follow it, each with its own delay.
 * In database mode several nodes share one; without a database each node has its own.
 */
export class Configuration {
  private currentHash = EMPTY_HASH;
  private readonly followers: { view: ProxyView; delayMs: number }[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(private current: EntityStore) {}

  get store(): EntityStore {
    return this.current;
  }

  /** MD5 of the declarative text that was loaded last (Kong's `configuration_hash`). */
  get hash(): string {
    return this.currentHash;
  }

  /** Replaces everything, as POST /config and a start do. */
  replace(store: EntityStore, text: string): void {
    this.current = store;
    this.currentHash = configurationHash(text);
    this.notify('everything');
  }

  /** Lets a proxy view follow this configuration, `delayMs` behind it. It is up to date at once. */
  follow(view: ProxyView, delayMs: number): void {
    this.followers.push({ view, delayMs });
    view.rebuild(this.current);
  }

  /** Says that the store was changed. */
  notify(change: Change): void {
    for (const { view, delayMs } of this.followers) {
      if (delayMs === 0) {
        this.apply(view, change);
        continue;
      }
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.apply(view, change);
      }, delayMs);
      this.timers.add(timer);
    }
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private apply(view: ProxyView, change: Change): void {
    if (change === 'everything') view.rebuild(this.current);
    else if (change === 'routes') view.rebuildRoutes(this.current);
    else view.refreshConsumer(this.current, change.consumerId);
  }
}

/** The hash by which Kong recognises a declarative text that it has loaded already. */
export function configurationHash(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

import { type KongConsumer, keysOf } from './drivers/gateway-driver';

/**
 * The consumers of a gateway by the keys under which they may be subjects, so that a cut-off needs no look-up. It is
 * replaced by every sweep and mended when a look-up finds more or a gateway says that one is gone.
 */
export class ConsumerDirectory {
  private byId = new Map<string, KongConsumer>();
  private byKey = new Map<string, Set<string>>();

  replace(consumers: readonly KongConsumer[]): void {
    this.byId = new Map();
    this.byKey = new Map();
    this.add(consumers);
  }

  add(consumers: readonly KongConsumer[]): void {
    for (const consumer of consumers) {
      this.forget(consumer.id);
      this.byId.set(consumer.id, consumer);
      for (const key of keysOf(consumer)) {
        const ids = this.byKey.get(key);
        if (ids) ids.add(consumer.id);
        else this.byKey.set(key, new Set([consumer.id]));
      }
    }
  }

  forget(id: string): void {
    const consumer = this.byId.get(id);
    if (!consumer) return;
    this.byId.delete(id);
    for (const key of keysOf(consumer)) this.byKey.get(key)?.delete(id);
  }

  /** Consumers that go by one of the keys, each once. */
  consumersOf(keys: readonly string[]): KongConsumer[] {
    const ids = new Set(keys.flatMap((key) => [...(this.byKey.get(key) ?? [])]));
    return [...ids].map((id) => this.byId.get(id)!);
  }
}

/**
 * Whose a consumer is, where its username, custom_id and id are subjects of several customers: the first of them that is
 * anybody's decides.
 */
export const ownerOf = (
  consumer: Pick<KongConsumer, 'id' | 'username' | 'customId'>,
  owners: ReadonlyMap<string, string>,
): string | undefined =>
  keysOf(consumer)
    .map((key) => owners.get(key))
    .find((owner) => owner !== undefined);

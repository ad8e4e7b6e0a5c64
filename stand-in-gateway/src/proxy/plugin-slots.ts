import type { Plugin } from '../entities/entity';
import type { KnownPlugin } from '../schema/plugin-catalog';
import type { ProxyConsumer } from './proxy-consumer';

/** A configured plugin, ready to run. */
export interface PluginBinding {
  plugin: Plugin;
  known: KnownPlugin;
  /** Configuration with its vault references resolved. */
  config: Record<string, unknown>;
  /** Which fields held a vault reference, and which one. */
  refs: Record<string, string>;
  /** Name of the consumer group that the plugin is scoped to. */
  consumerGroup: string | undefined;
  /** Grows with every load of the configuration. */
  sequence: number;
}

/** All configurations of one plugin that may apply on a route; at most one of them runs for a request. */
export interface PluginSlot {
  known: KnownPlugin;
  pick(consumer: ProxyConsumer | undefined): PluginBinding | undefined;
}

/** Groups configurations by plugin, in the order in which Kong runs plugins: highest priority first. */
export function pluginSlots(bindings: readonly PluginBinding[]): PluginSlot[] {
  const byName = new Map<string, PluginBinding[]>();
  for (const binding of bindings) {
    byName.set(binding.plugin.name, [...(byName.get(binding.plugin.name) ?? []), binding]);
  }
  return [...byName.values()]
    .map(slot)
    .sort((a, b) => b.known.priority - a.known.priority || (a.known.name < b.known.name ? 1 : -1));
}

function slot(bindings: readonly PluginBinding[]): PluginSlot {
  const ranked = [...bindings].sort((a, b) => rank(b) - rank(a));
  const known = ranked[0]!.known;
  const only = ranked.every(({ plugin, consumerGroup }) => !plugin.consumer && consumerGroup === undefined);
  if (only) return { known, pick: () => ranked[0] };
  return { known, pick: (consumer) => pickScoped(ranked, consumer) };
}

/**
 * The most specific configuration wins. Of several consumer groups at the same rank, the alphabetically first one's
 * runs (Kong documentation, consumer groups).
 */
function pickScoped(
  ranked: readonly PluginBinding[],
  consumer: ProxyConsumer | undefined,
): PluginBinding | undefined {
  let best: PluginBinding | undefined;
  for (const binding of ranked) {
    if (best && rank(best) > rank(binding)) break;
    if (!applies(binding, consumer)) continue;
    if (!best || (binding.consumerGroup ?? '') < (best.consumerGroup ?? '')) best = binding;
  }
  return best;
}

function applies({ plugin, consumerGroup }: PluginBinding, consumer: ProxyConsumer | undefined): boolean {
  if (plugin.consumer && plugin.consumer.id !== consumer?.entity.id) return false;
  return consumerGroup === undefined || (consumer?.consumerGroups.includes(consumerGroup) ?? false);
}

/** Kong's order of precedence between scopes, as a number that grows with specificity. */
function rank({ plugin, consumerGroup }: PluginBinding): number {
  const consumer = plugin.consumer !== null;
  const group = consumerGroup !== undefined;
  const route = plugin.route !== null;
  const service = plugin.service !== null;
  const order = [
    consumer && route && service,
    group && route && service,
    consumer && route,
    consumer && service,
    group && route,
    group && service,
    route && service,
    consumer,
    group,
    route,
    service,
  ];
  const place = order.indexOf(true);
  return place < 0 ? 0 : order.length - place;
}

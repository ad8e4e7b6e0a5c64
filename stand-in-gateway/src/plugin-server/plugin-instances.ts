import type { PluginBinding } from '../proxy/plugin-slots';
import { DEFAULT_WORKSPACE_ID } from '../proxy/proxy-view';
import type { RpcConnections } from './rpc-connections';

interface Instance {
  sequence: number;
  id: Promise<number>;
  /** The id once the server has given it. */
  startedId?: number;
}

/** The instances that run on the plugin server, one for each configured plugin. */
export class PluginInstances {
  private readonly instances = new Map<string, Instance>();

  constructor(private readonly connections: RpcConnections) {}

  /**
   * The id of the plugin's running instance. Starts one when there is none or when the configuration was loaded
   * anew; then the old one is closed, after the new one stands.
   */
  async idFor(binding: PluginBinding): Promise<number> {
    const key = binding.plugin.id;
    const running = this.instances.get(key);
    // A request that began before a reload may still hold the older configuration; it uses the newer instance.
    if (running && running.sequence >= binding.sequence) return running.id;
    const started: Instance = { sequence: binding.sequence, id: this.start(binding, running) };
    this.instances.set(key, started);
    try {
      started.startedId = await started.id;
      return started.startedId;
    } catch (error) {
      if (this.instances.get(key) === started) this.instances.delete(key);
      throw error;
    }
  }

  /** Forgets an instance that the server no longer knows, so that the next use starts it again. */
  forget(binding: PluginBinding, id: number): void {
    if (this.instances.get(binding.plugin.id)?.startedId === id) this.instances.delete(binding.plugin.id);
  }

  private async start(binding: PluginBinding, old: Instance | undefined): Promise<number> {
    const answer = (await this.connections.call('plugin.StartInstance', {
      Config: instanceConfig(binding),
      Name: binding.plugin.name,
    })) as { Id: number };
    if (old) await this.stop(old);
    return answer.Id;
  }

  private async stop(instance: Instance): Promise<void> {
    try {
      await this.connections.call('plugin.CloseInstance', await instance.id);
    } catch {
      // The server drops idle instances by itself and may have dropped this one: there is nothing left to close.
    }
  }
}

/** The configuration as Kong hands it over: a JSON text with keys of its own beside the plugin's. */
function instanceConfig({ plugin, config, refs, sequence }: PluginBinding): string {
  const scopes = [
    plugin.name,
    plugin.route?.id,
    plugin.service?.id,
    plugin.consumer?.id,
    '',
    DEFAULT_WORKSPACE_ID,
  ];
  return JSON.stringify({
    ...withoutNulls(config),
    __key__: `plugins:${scopes.map((scope) => scope ?? '').join(':')}`,
    __plugin_id: plugin.id,
    __seq__: sequence,
    __ws_id: DEFAULT_WORKSPACE_ID,
    ...(plugin.service ? { service_id: plugin.service.id } : {}),
    ...(plugin.route ? { route_id: plugin.route.id } : {}),
    ...(plugin.consumer ? { consumer_id: plugin.consumer.id } : {}),
    ...(Object.keys(refs).length > 0 ? { $refs: refs } : {}),
  });
}

/** Lua tables hold no nil: what is not configured does not reach the plugin. */
function withoutNulls(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [
        key,
        typeof value === 'object' && !Array.isArray(value)
          ? withoutNulls(value as Record<string, unknown>)
          : value,
      ]),
  );
}

import { sendError } from '../proxy/answers';
import type { Exchange } from '../proxy/exchange';
import type { PluginBinding } from '../proxy/plugin-slots';
import { callPdk, type PdkNode, PdkPhaseError, stepMethodOf } from './pdk';
import { PluginInstances } from './plugin-instances';
import { PluginServerRefusal, RpcConnections } from './rpc-connections';

/** Caps of nginx timers per worker: lua_max_running_timers and lua_max_pending_timers. */
export const MAX_RUNNING = 4096;
export const MAX_PENDING = 16_384;

/** What became of the log events of external plugins. Every event is in `delivered` or in one of the losses. */
export interface LogStats {
  delivered: number;
  /** Too many log phases waiting for their turn. */
  lostPending: number;
  /** Too many log phases waiting for the plugin server. */
  lostRunning: number;
  /** The plugin server was down, refused the connection or closed it. */
  lostUnreachable: number;
  /** The plugin made a call that Kong does not allow after the request, or the server refused the event. */
  lostAborted: number;
}

/** Settings as in KONG_PLUGINSERVER_NAMES, _SOCKET and _QUERY_CMD. */
export interface PluginServerSettings {
  socketPath: string;
  /** Names of the plugins behind this socket. */
  pluginNames: readonly string[];
}

interface Server {
  connections: RpcConnections;
  instances: PluginInstances;
}

type StepAnswer = { EventId: number; Data: string | { Method: string; Args: unknown[] } };

const NON_RETURNING = new Set(['kong.response.exit', 'kong.response.error']);

/** Runs the phases of plugins that live in plugin servers. */
export class ExternalPlugins {
  readonly stats: LogStats = {
    delivered: 0,
    lostPending: 0,
    lostRunning: 0,
    lostUnreachable: 0,
    lostAborted: 0,
  };
  private readonly servers = new Map<string, Server>();
  private readonly all: Server[] = [];
  private pending: { exchange: Exchange; binding: PluginBinding }[] = [];
  private running = 0;

  constructor(
    settings: readonly PluginServerSettings[],
    private readonly node: PdkNode,
  ) {
    for (const { socketPath, pluginNames } of settings) {
      const connections = new RpcConnections(socketPath);
      const server = { connections, instances: new PluginInstances(connections) };
      this.all.push(server);
      for (const name of pluginNames) this.servers.set(name, server);
    }
  }

  /** Open connections to all plugin servers. */
  get openConnections(): number {
    return this.all.reduce((sum, { connections }) => sum + connections.size, 0);
  }

  /** Log phases that wait for their turn or for the plugin server. */
  get unfinishedLogs(): number {
    return this.pending.length + this.running;
  }

  /** Runs the access phase; never rejects. The plugin may have answered the request afterwards. */
  async runAccess(exchange: Exchange, binding: PluginBinding): Promise<void> {
    let hasInstance = false;
    try {
      await this.handleEvent('access', exchange, binding, () => {
        hasInstance = true;
      });
    } catch (error) {
      this.node.log('err', [`${binding.plugin.name}: ${(error as Error).message}`]);
      // Kong fails open when a running plugin breaks off, and closed when it never started or misused the PDK.
      if (error instanceof PdkPhaseError || !hasInstance) {
        sendError(exchange, 500, 'An unexpected error occurred');
      }
    }
  }

  /** Takes a log event for the next turn of the loop, after the request is gone, as a 0-delay timer does. */
  enqueueLog(exchange: Exchange, binding: PluginBinding): void {
    if (this.pending.length >= MAX_PENDING) {
      this.stats.lostPending += 1;
      return;
    }
    if (this.pending.length === 0) setImmediate(() => this.startPending());
    this.pending.push({ exchange, binding });
  }

  close(): void {
    for (const { connections } of this.all) connections.close();
  }

  private startPending(): void {
    const due = this.pending;
    this.pending = [];
    for (const { exchange, binding } of due) {
      if (this.running >= MAX_RUNNING) this.stats.lostRunning += 1;
      else void this.runLog(exchange, binding);
    }
  }

  private async runLog(exchange: Exchange, binding: PluginBinding): Promise<void> {
    this.running += 1;
    try {
      await this.handleEvent('log', exchange, binding);
      this.stats.delivered += 1;
    } catch (error) {
      if (error instanceof PdkPhaseError || error instanceof PluginServerRefusal) this.stats.lostAborted += 1;
      else this.stats.lostUnreachable += 1;
    } finally {
      this.running -= 1;
    }
  }

  private async handleEvent(
    phase: 'access' | 'log',
    exchange: Exchange,
    binding: PluginBinding,
    onInstance?: () => void,
  ): Promise<void> {
    const server = this.servers.get(binding.plugin.name);
    if (!server) throw new Error(`no plugin server for ${binding.plugin.name}`);
    let id = await server.instances.idFor(binding);
    onInstance?.();
    let answer: StepAnswer;
    try {
      answer = await handle(server, phase, id);
    } catch (error) {
      if (
        !(error instanceof PluginServerRefusal) ||
        !error.message.toLowerCase().includes('no plugin instance')
      )
        throw error;
      // An instance idle for 60 s is dropped by the server without notice: start it again, once.
      server.instances.forget(binding, id);
      id = await server.instances.idFor(binding);
      answer = await handle(server, phase, id);
    }
    while (answer.Data !== 'ret') {
      const call = answer.Data as { Method: string; Args: unknown[] };
      const result = callPdk(phase, exchange, call, this.node);
      if (NON_RETURNING.has(call.Method)) return;
      answer = (await server.connections.call(stepMethodOf(call.Method), {
        EventId: answer.EventId,
        Data: result ?? undefined,
      })) as StepAnswer;
    }
  }
}

function handle(server: Server, phase: 'access' | 'log', instanceId: number): Promise<StepAnswer> {
  return server.connections.call('plugin.HandleEvent', {
    EventName: phase,
    InstanceId: instanceId,
  }) as Promise<StepAnswer>;
}

/** The parts of kong-pdk 0.6.0 that it ships no types for. */
declare module 'kong-pdk/server' {
  interface PluginInfo {
    readonly Name: string;
    readonly Version: string;
    readonly Phases: readonly string[];
    readonly Priority: number;
    readonly Schema: unknown;
  }

  class Server {
    constructor(pluginDir: string | undefined, logger: Server.Logger, expireTtl?: number);
    readonly instances: Map<number, Server.Instance>;
    readonly plugins: Map<string, Server.PluginModule>;
    instanceID: number;
    GetPluginInfo(name: string): Promise<PluginInfo>;
    StartInstance(start: { Name: string; Config: string }): Promise<{ Id: number }>;
    CloseInstance(id: number): Promise<unknown>;
    HandleEvent(event: { InstanceId: number; EventName: string }): unknown;
    Step(data: { EventId: number; Data?: unknown }): unknown;
    StepError(data: { EventId: number; Data?: unknown }): unknown;
    close(): void;
  }
  namespace Server {
    interface Logger {
      debug(...parts: unknown[]): void;
      info(...parts: unknown[]): void;
      warn(...parts: unknown[]): void;
      error(...parts: unknown[]): void;
    }
    /** `cls` is the plugin's own object, not its class. */
    interface Instance {
      readonly name: string;
      readonly cls: unknown;
      resetExpireTs(): void;
    }
    interface PluginModule {
      readonly mod: unknown;
      readonly path?: string;
      readonly new: (config: unknown) => Instance;
    }
  }
  export = Server;
}

declare module 'kong-pdk/lib/mod' {
  export const Module: new (
    name: string,
    path: string | undefined,
    literal?: unknown,
  ) => import('kong-pdk/server').PluginModule;
}

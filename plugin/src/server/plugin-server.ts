import type { Log } from '../observability/log';
import type { InstanceDirectory, InstanceStart } from './instance-directory';
import { Server } from './kong-pdk';
import { askForLogEntry, eventIsOver, LogPhaseAnswer } from './log-phase-answer';

type Event = Parameters<InstanceType<typeof Server>['HandleEvent']>[0];
type Step = Parameters<InstanceType<typeof Server>['Step']>[0];

/** A plugin whose log phase is one `kong.log.serialize()` and then this. */
interface SerializedLogPlugin {
  logSerialized(serialized: unknown): Promise<void>;
}

const takesSerialized = (plugin: unknown): plugin is SerializedLogPlugin =>
  typeof (plugin as Partial<SerializedLogPlugin> | undefined)?.logSerialized === 'function';

/** Whether several processes may serve the plugin: its one phase needs nothing that another process holds. */
export function isShareable(module: unknown): boolean {
  const { prototype } = (module as { Plugin: { prototype: Record<string, unknown> } }).Plugin;
  const others = ['certificate', 'rewrite', 'access', 'preread', 'response'];
  return takesSerialized(prototype) && others.every((phase) => prototype[phase] === undefined);
}

const rpcMethods = new Set([
  'StartInstance',
  'CloseInstance',
  'InstanceStatus',
  'GetStatus',
  'GetPluginInfo',
  'HandleEvent',
  'StepError',
  'Step',
  'StepMultiMap',
  'StepService',
  'StepConsumer',
  'StepRoute',
  'StepPlugin',
  'StepCredential',
  'StepMemoryStats',
]);

/**
 * kong-pdk's plugin server, with a shorter way for log-phase plugins that have `logSerialized`. Kong sends each
 * step over any of its connections, so the answer to HandleEvent carries all that the step needs: its event id
 * is the instance's. Nothing is kept between the two, so nothing leaks when Kong gives up in between, and the
 * step may arrive in another process. Where kong-pdk would answer a failed handler as if it had worked, this
 * answers with the error: what Kong was told is taken, is taken.
 */
export class PluginServer extends Server {
  constructor(
    pluginDirectory: string | undefined,
    log: Log,
    private readonly directory: InstanceDirectory,
  ) {
    super(pluginDirectory, {
      debug: () => undefined,
      info: (...parts) => log('debug', parts.join(' ')),
      warn: (...parts) => log('warn', parts.join(' ')),
      error: (...parts) => log('error', parts.join(' ')),
    });
  }

  /** One call of Kong's, `plugin.<Method>`. Throws or rejects with what Kong is to be told. */
  call(method: string, args: readonly unknown[]): unknown {
    const name = method.startsWith('plugin.') ? method.slice('plugin.'.length) : '';
    if (!rpcMethods.has(name)) throw new Error(`method ${method} is not supported`);
    // kong-pdk has one method for each kind of answer, all the same.
    const own = name.startsWith('Step') && name !== 'StepError' ? 'Step' : name;
    return (this as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[own]?.(...args);
  }

  override async StartInstance(start: InstanceStart): Promise<{ Id: number }> {
    // kong-pdk takes the next number of its own, and this is the only place where it does.
    this.instanceID = await this.directory.reserve();
    const id = this.instanceID;
    const started = await super.StartInstance(start);
    await this.directory.record(id, start);
    return started;
  }

  override async CloseInstance(id: number): Promise<unknown> {
    await this.directory.forget(id);
    return this.instances.has(id) ? super.CloseInstance(id) : { Id: id };
  }

  override HandleEvent(event: Event): unknown {
    const instance = this.instances.get(event.InstanceId);
    if (!instance) return this.recall(event.InstanceId).then(() => this.HandleEvent(event));
    if (event.EventName !== 'log' || !takesSerialized(instance.cls))
      return withGeneralId(super.HandleEvent(event));
    instance.resetExpireTs();
    return new LogPhaseAnswer(2 * event.InstanceId, askForLogEntry);
  }

  override Step(step: Step): unknown {
    if (!isSerializedLog(step)) return withGeneralId(super.Step(generalStep(step)));
    const id = step.EventId / 2;
    const instance = this.instances.get(id);
    if (!instance) return this.recall(id).then(() => this.Step(step));
    instance.resetExpireTs();
    if (!takesSerialized(instance.cls)) throw new Error(`instance #${id} has no serialized log phase`);
    const over = new LogPhaseAnswer(step.EventId, eventIsOver);
    return instance.cls.logSerialized(step.Data).then(() => over);
  }

  override StepError(step: Step): unknown {
    if (!isSerializedLog(step)) return withGeneralId(super.StepError(generalStep(step)));
    throw new Error('kong.log.serialize() failed in Kong; the request is not metered');
  }

  /** In a process that was started again: makes the instances, and so delivers what its journal holds. */
  async recallAll(): Promise<void> {
    const ids = await this.directory.ids();
    // An instance may have been closed since the list was made.
    await Promise.allSettled(ids.map((id) => this.recall(id)));
  }

  /** Makes an instance that another process was told to start, or that was idle for so long that it was dropped. */
  private async recall(id: number): Promise<void> {
    const start = await this.directory.find(id);
    const plugin = start && this.plugins.get(start.Name);
    // Kong starts the instance again when an error begins with these words.
    if (!plugin) throw new Error(`no plugin instance #${id}`);
    if (!this.instances.has(id)) this.instances.set(id, plugin.new(JSON.parse(start.Config)));
  }
}

/** Even event ids are instances in their log phase, odd ones are kong-pdk's own events. */
const isSerializedLog = ({ EventId }: Step): boolean => EventId % 2 === 0;

const generalStep = (step: Step): Step => ({ ...step, EventId: (step.EventId - 1) / 2 });

/** kong-pdk's methods are asynchronous, though their declared result is only what they share with ours. */
const withGeneralId = async (answer: unknown): Promise<unknown> => {
  const { EventId, ...rest } = (await answer) as { EventId: number };
  return { ...rest, EventId: 2 * EventId + 1 };
};

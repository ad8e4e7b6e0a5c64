import type { Log } from '../observability/log';
import { Server } from './kong-pdk';

type Event = Parameters<InstanceType<typeof Server>['HandleEvent']>[0];
type Step = Parameters<InstanceType<typeof Server>['Step']>[0];

/** A plugin whose log phase is one `kong.log.serialize()` and then this. */
interface SerializedLogPlugin {
  logSerialized(serialized: unknown): Promise<void>;
}

const takesSerialized = (plugin: unknown): plugin is SerializedLogPlugin =>
  typeof (plugin as Partial<SerializedLogPlugin> | undefined)?.logSerialized === 'function';

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
  constructor(pluginDirectory: string | undefined, log: Log) {
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
    return (this as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[name]?.(...args);
  }

  override HandleEvent(event: Event): unknown {
    const instance = this.instances.get(event.InstanceId);
    if (event.EventName !== 'log' || !instance || !takesSerialized(instance.cls)) {
      return withGeneralId(super.HandleEvent(event));
    }
    instance.resetExpireTs();
    return { EventId: 2 * event.InstanceId, Data: { Method: 'kong.log.serialize', Args: [] } };
  }

  override Step(step: Step): unknown {
    if (!isSerializedLog(step)) return withGeneralId(super.Step(generalStep(step)));
    const plugin = this.instances.get(step.EventId / 2)?.cls;
    // Kong starts the instance again when an error begins with these words.
    if (!takesSerialized(plugin)) throw new Error(`no plugin instance #${step.EventId / 2}`);
    return plugin.logSerialized(step.Data).then(() => ({ EventId: step.EventId, Data: 'ret' }));
  }

  override StepError(step: Step): unknown {
    if (!isSerializedLog(step)) return withGeneralId(super.StepError(generalStep(step)));
    throw new Error('kong.log.serialize() failed in Kong; the request is not metered');
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

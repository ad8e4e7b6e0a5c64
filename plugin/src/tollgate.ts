import { hostname } from 'node:os';
import { type Metered, parseSerializedRequest, usageEventsOf } from '../../gateway-log/src';
import { type Configuration, parseConfiguration } from './configuration/configuration';
import { schema } from './configuration/schema';
import type { Destination } from './delivery/destination';
import { Destinations } from './delivery/destinations';
import { logToStandardError } from './observability/log';
import { Measurements } from './observability/measurements';
import type { Sidecar, SidecarSettings } from './sidecar';

/** The only part of Kong's PDK that is used: every other call costs a round trip, or never answers in this phase. */
interface LogPhasePdk {
  readonly log: { serialize(): Promise<unknown> };
}

const now = (): number => Date.now();
const destinations: Destinations = new Destinations(() => ({
  log: logToStandardError,
  measurements,
  now,
  random: Math.random,
}));
const measurements: Measurements = new Measurements(() => destinations.states());
let defaultSource = `kong-gateway/${hostname()}`;

/** One configuration of the plugin, made by Kong for each worker and at each reload; it holds no events. */
class TollgatePlugin {
  private readonly configuration: Configuration;
  private destination: Destination | undefined;

  /** Throws a ConfigurationError that names the fields at fault. */
  constructor(config: unknown) {
    this.configuration = parseConfiguration(config);
    destinations.configure(this.configuration).then(
      (destination) => {
        this.destination = destination;
      },
      (error: Error) => logToStandardError('error', 'the journal cannot be used', { error: error.message }),
    );
  }

  /** Kong's log phase. Resolves when the events of the request are safe. */
  async log(kong: LogPhasePdk): Promise<void> {
    await this.logSerialized(await kong.log.serialize());
  }

  /**
   * The log phase from what `kong.log.serialize()` answered. It needs nothing of the call that asked for it, so
   * a plugin server may answer that call in one process and hand the result to another.
   */
  async logSerialized(serialized: unknown): Promise<void> {
    const startedAt = performance.now();
    measurements.received.inc();
    const metered = this.meter(serialized);
    if ('unmetered' in metered) measurements.unmetered.inc({ reason: metered.unmetered });
    else if (metered.events.length > 0) {
      const destination = this.destination ?? (await destinations.configure(this.configuration));
      const [only, ...others] = metered.events.map((event) => destination.take(JSON.stringify(event)));
      await (others.length === 0 ? only : Promise.all([only, ...others]));
    }
    measurements.handlerTime.observe((performance.now() - startedAt) / 1000);
  }

  private meter(serialized: unknown): Metered {
    const source = this.configuration.source ?? defaultSource;
    try {
      return usageEventsOf(parseSerializedRequest(serialized), this.configuration, { source, now });
    } catch (error) {
      measurements.unmetered.inc({ reason: 'unreadable' });
      throw error;
    }
  }
}

/** What `tollgate-plugin-server` uses beside the plugin itself; Kong's own plugin server ignores it. */
const sidecar: Sidecar = {
  registry: measurements.registry,
  async configure({ journal, source, replay }: SidecarSettings): Promise<void> {
    await destinations.keepJournalsIn(journal);
    defaultSource = source ?? defaultSource;
    if (replay) {
      const {
        delivery,
        holding,
        journal: settings,
      } = parseConfiguration({
        ingest_endpoint: replay.endpoint,
        api_token: replay.apiToken,
      });
      await destinations.configure({ delivery, holding, journal: settings });
    }
  },
  states: () => destinations.states(),
  drain: (deadlineMs) => destinations.drain(deadlineMs),
};

export { schema as Schema, sidecar, TollgatePlugin as Plugin };
export const Name = 'tollgate';
export const Version = '0.1.0';
/** After the plugins that authenticate and refuse, as the priority of Kong's logging plugins. */
export const Priority = 10;

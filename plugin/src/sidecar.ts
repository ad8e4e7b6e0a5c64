import type { Registry } from 'prom-client';
import type { JournalPlace } from './delivery/destinations';
import type { DestinationState } from './observability/measurements';

/** What the plugin server settles for the whole process, before Kong starts an instance. */
export interface SidecarSettings {
  readonly journal: JournalPlace;
  /** CloudEvents `source` of configurations that set none. */
  readonly source?: string | undefined;
  /** Where to deliver what an earlier run left, before Kong has sent any configuration. */
  readonly replay?: { readonly endpoint: string; readonly apiToken: string } | undefined;
}

/** The side of the plugin that a plugin server made for it can use. */
export interface Sidecar {
  readonly registry: Registry;
  configure(settings: SidecarSettings): Promise<void>;
  states(): DestinationState[];
  drain(deadlineMs: number): Promise<void>;
}

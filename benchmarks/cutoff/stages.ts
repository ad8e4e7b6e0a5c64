/** Where the time of a cut-off went, by the control plane's own log. */
import type { ControlPlaneClient } from '../../demo/control-plane-client';
import type { Trial } from './trial';

/** Milliseconds, one after another. */
export interface Stages {
  /** From the answer that used the last unit until the transaction that counts it: plugin, journal, ingest. */
  metering: number;
  /** Until the gateway's first call: COMMIT, the wake-up, what is to be changed. */
  deciding: number;
  /** The gateway's calls. */
  calling: number;
  /** From the gateway's answer to the first refusal; negative when the refusal came first. */
  following: number;
}

interface LogEntry {
  access: string;
  causedAt: string;
  durationMs: number;
  callMs: number;
}

export const readStages = async (
  client: ControlPlaneClient,
  customer: string,
  { lastUnitAt, refusedAt }: Trial,
): Promise<Stages> => {
  const { items } = await client.get<{ items: LogEntry[] }>(
    `/api/v1/access/log?customer=${encodeURIComponent(customer)}&limit=100`,
  );
  const entry = items.find(({ access }) => access === 'out');
  if (!entry) throw new Error(`the log has no cut-off of ${customer}`);
  const causedAt = Date.parse(entry.causedAt);
  return {
    metering: Math.round(causedAt - lastUnitAt),
    deciding: entry.durationMs - entry.callMs,
    calling: entry.callMs,
    following: Math.round(refusedAt - causedAt - entry.durationMs),
  };
};

/** Short enough for a column. */
export const describeStages = (of: (stage: keyof Stages) => number): string =>
  [of('metering'), of('deciding'), of('calling'), of('following')].join(' + ');

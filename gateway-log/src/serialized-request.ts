/**
 * The part that we read of what `kong.log.serialize()` returns (Kong 3.9; sizes in bytes, `started_at` in
 * milliseconds since 1970). Everything may be missing: an unrouted or refused request has fewer fields.
 */
export interface SerializedRequest {
  readonly request?: {
    readonly id?: string;
    readonly method?: string;
    readonly uri?: string;
    readonly url?: string;
    readonly size?: number | string;
    readonly querystring?: Record<string, unknown>;
    readonly headers?: Record<string, unknown>;
  };
  readonly response?: { readonly status?: number; readonly size?: number | string };
  readonly consumer?: { readonly id?: string; readonly username?: string; readonly custom_id?: string };
  readonly service?: {
    readonly id?: string;
    readonly name?: string;
    readonly port?: number;
    readonly protocol?: string;
  };
  readonly route?: { readonly id?: string; readonly name?: string };
  readonly application_context?: { readonly application_id?: string; readonly portal_id?: string };
  readonly app_id?: string;
  readonly control_plane_id?: string;
  readonly client_ip?: string;
  readonly started_at?: number;
  readonly source?: string;
  readonly upstream_status?: string | number;
  /** Per AI plugin, under the name that the plugin logs itself by (`proxy`, `ai-proxy`, ...). */
  readonly ai?: Record<string, unknown>;
}

/** Why a log entry could not be read; the text itself is not repeated, it holds the client's credentials. */
export class UnreadableLogEntry extends Error {
  readonly code = 'log_entry_unreadable';

  constructor(problem: string) {
    super(`kong.log.serialize() gave something that cannot be metered: ${problem}`);
    this.name = 'UnreadableLogEntry';
  }
}

/** Reads the JSON text of `kong.log.serialize()`. Throws UnreadableLogEntry without quoting it. */
export function parseSerializedRequest(serialized: unknown): SerializedRequest {
  if (typeof serialized !== 'string') throw new UnreadableLogEntry(`not a string but ${typeof serialized}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(serialized);
  } catch {
    throw new UnreadableLogEntry('not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UnreadableLogEntry('not an object');
  }
  return parsed as SerializedRequest;
}

/** One value of a header or query parameter; Kong gives repeated ones as an array, `true` for one without value. */
export function firstText(values: Record<string, unknown> | undefined, name: string): string | undefined {
  const value = values?.[name];
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' && first !== ''
    ? first
    : typeof first === 'number'
      ? String(first)
      : undefined;
}

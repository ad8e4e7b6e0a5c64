import type { JsonObject } from './exact-json';

/**
 * One usage event: a CloudEvent 1.0 after validation. `(source, id)` identifies it (CloudEvents 1.0, section "id").
 */
export interface UsageEvent {
  id: string;
  source: string;
  type: string;
  subject: string;
  /** When it happened, epoch milliseconds. */
  time: number;
  /** What meters read; undefined where the event carries none. Numbers beyond double precision are kept exactly. */
  data: JsonObject | undefined;
  /** The JSON text of `data` as it is stored. */
  dataText: string | null;
  /** The JSON text of the remaining context attributes (dataschema, extensions), or null. */
  attributesText: string | null;
}

/** A stored event: with its place in the order of ingestion. */
export interface StoredEvent extends UsageEvent {
  seq: number;
  /** Epoch milliseconds of receipt. */
  receivedAt: number;
}

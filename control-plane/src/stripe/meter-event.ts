import { randomUUID } from 'node:crypto';
import { attributeLimit, dataLimit, isLongerThan, type UsageEvent } from '../events';
import { readValue } from '../metering';
import type { EventNameEntry } from './meter-directory';

/** The source of every usage event that came as a Stripe meter event. */
export const meterEventSource = 'stripe';

/** Characters of an event name and of an identifier at most (Stripe's API reference). */
export const nameLimit = 100;
const pastLimitMs = 35 * 86_400_000;
const aheadLimitMs = 5 * 60_000;

/** A meter event as it was sent; the shape is checked, its content is not. */
export interface MeterEvent {
  event_name: string;
  payload: Record<string, string>;
  identifier: string | undefined;
  /** Epoch milliseconds; now where it is undefined. */
  timestamp: number | undefined;
}

/** Whether the database keeps a text as it is: without U+0000 and halves of surrogate pairs, which UTF-8 does not know. */
export const isStorable = (text: string): boolean => !/[\0\p{Surrogate}]/u.test(text);

/** Why an event cannot be counted: the codes of Stripe's meter error reports. */
export interface MeterEventError {
  code:
    | 'archived_meter'
    | 'meter_event_invalid_value'
    | 'meter_event_no_customer_defined'
    | 'meter_event_value_too_many_digits'
    | 'no_meter'
    | 'timestamp_in_future'
    | 'timestamp_too_far_in_past';
  message: string;
  /** The parameter at fault, as v1 names it. */
  param: string;
  identifier: string;
  /** Of the report that it belongs to; undefined where there is no meter. */
  meterId: string | undefined;
}

export type CheckedMeterEvent = { event: UsageEvent } | { error: MeterEventError };

/**
 * Turns a meter event into the usage event that is stored, or says why it cannot be counted. Pure.
 * @param entry what is known about meters of its name
 * @param attributesText kept with the event
 */
export const checkMeterEvent = (
  given: MeterEvent,
  entry: EventNameEntry | undefined,
  now: number,
  attributesText: string | null = null,
): CheckedMeterEvent => {
  const identifier = given.identifier ?? randomUUID();
  const refuse = (code: MeterEventError['code'], param: string, message: string): CheckedMeterEvent => ({
    error: { code, message, param, identifier, meterId: entry?.meterId },
  });
  if (!entry)
    return refuse('no_meter', 'event_name', `There is no meter with the event name "${given.event_name}".`);
  if (entry.active.length === 0)
    return refuse(
      'archived_meter',
      'event_name',
      `The meter with the event name "${given.event_name}" is inactive.`,
    );
  const subject = Object.hasOwn(given.payload, entry.customerKey) ? given.payload[entry.customerKey]! : '';
  if (subject === '' || isLongerThan(subject, attributeLimit) || !isStorable(subject))
    return refuse(
      'meter_event_no_customer_defined',
      `payload[${entry.customerKey}]`,
      `The payload must name the customer under the key "${entry.customerKey}", in at most ${attributeLimit} bytes.`,
    );
  const time = given.timestamp ?? now;
  if (time > now + aheadLimitMs)
    return refuse(
      'timestamp_in_future',
      'timestamp',
      'The timestamp must be at most 5 minutes in the future.',
    );
  if (time < now - pastLimitMs)
    return refuse('timestamp_too_far_in_past', 'timestamp', 'The timestamp must be within the past 35 days.');
  const dataText = JSON.stringify(given.payload);
  const event: UsageEvent = {
    id: identifier,
    source: meterEventSource,
    type: given.event_name,
    subject,
    time,
    data: given.payload,
    dataText,
    attributesText,
  };
  const problem =
    dataText.length > dataLimit
      ? `The payload has more than ${dataLimit} characters.`
      : valueProblem(entry, event);
  if (problem === undefined) return { event };
  const value = given.payload[entry.valueKey] ?? '';
  const code = /^[+-]?[\d.]{41,}$/.test(value)
    ? 'meter_event_value_too_many_digits'
    : 'meter_event_invalid_value';
  return refuse(code, `payload[${entry.valueKey}]`, problem);
};

/** Undefined when at least one of the meters can count the event. */
const valueProblem = ({ active, valueKey }: EventNameEntry, event: UsageEvent): string | undefined => {
  for (const compiled of active) if (!('error' in readValue(compiled, event))) return undefined;
  return `The payload must have a decimal number of at most 40 digits under the key "${valueKey}".`;
};

import { apiRequestData } from './api-request-data';
import { llmRequestData } from './llm-request-data';
import type { MeteringRules } from './metering-rules';
import { firstText, type SerializedRequest } from './serialized-request';
import { includesStatus } from './status-range';
import { subjectOf } from './subject';

/** CloudEvents 1.0, as JSON; `time` in RFC 3339 with milliseconds. */
export interface UsageEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: 'kong.api_request' | 'kong.llm_request';
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Record<string, unknown>;
}

/** Where events come from: their CloudEvents `source`, and the clock (ms) for a log entry without a start time. */
export interface Origin {
  readonly source: string;
  readonly now: () => number;
}

/** Why a request makes no event. Each is counted, so that nobody wonders where requests went. */
export type Unmetered = 'not_from_upstream' | 'status_not_counted' | 'no_subject' | 'no_request_id';

export type Metered =
  | { readonly events: readonly UsageEvent[] }
  | { readonly events: readonly []; readonly unmetered: Unmetered };

/**
 * The usage events of one logged request. The event id is Kong's request id, so the same request told twice is
 * the same event; the two events of a language-model call add the AI plugin and the direction to it.
 */
export function usageEventsOf(request: SerializedRequest, rules: MeteringRules, origin: Origin): Metered {
  const id = request.request?.id;
  if (id === undefined) return { events: [], unmetered: 'no_request_id' };
  if (rules.countsOnlyUpstream && request.source !== 'upstream') {
    return { events: [], unmetered: 'not_from_upstream' };
  }
  if (!includesStatus(rules.countedStatuses, request.response?.status ?? 0)) {
    return { events: [], unmetered: 'status_not_counted' };
  }
  const subject = subjectOf(request, rules.subject);
  if (subject === undefined) return { events: [], unmetered: 'no_subject' };

  const attributes = attributesOf(request, rules);
  const event = (eventId: string, type: UsageEvent['type'], data: Record<string, unknown>): UsageEvent => ({
    specversion: '1.0',
    id: eventId,
    source: origin.source,
    type,
    subject,
    time: new Date(request.started_at ?? origin.now()).toISOString(),
    datacontenttype: 'application/json',
    data: { ...data, ...attributes },
  });
  const events: UsageEvent[] = [];
  if (rules.metersApiRequests) {
    events.push(event(id, 'kong.api_request', apiRequestData(request, rules.subject.in)));
  }
  if (rules.metersAiTokenUsage && request.ai !== undefined) {
    for (const { key, data } of llmRequestData(request)) {
      events.push(event(`${id}:${key}`, 'kong.llm_request', data));
    }
  }
  return { events };
}

function attributesOf(request: SerializedRequest, { attributes }: MeteringRules): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { source, name, property } of attributes) {
    const from = source === 'header' ? request.request?.headers : request.request?.querystring;
    const value = firstText(from, name);
    if (value !== undefined) values[property] = value;
  }
  return values;
}

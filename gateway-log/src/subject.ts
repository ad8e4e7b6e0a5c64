import type { SubjectRule } from './metering-rules';
import { firstText, type SerializedRequest } from './serialized-request';

/** Who is billed for the request; undefined when the request does not say it, and then nothing is metered. */
export function subjectOf(request: SerializedRequest, rule: SubjectRule): string | undefined {
  switch (rule.in) {
    case 'consumer':
      return consumerSubject(request.consumer, rule.field);
    case 'application': {
      const id = applicationIdOf(request);
      return id === undefined ? undefined : `app:${id}`;
    }
    case 'header':
      return firstText(request.request?.headers, rule.field);
    case 'query':
      return firstText(request.request?.querystring, rule.field);
  }
}

/** The developer portal's application, where Kong's application authentication logged one. */
export function applicationIdOf(request: SerializedRequest): string | undefined {
  return request.application_context?.application_id ?? request.app_id;
}

function consumerSubject(consumer: SerializedRequest['consumer'], field: string): string | undefined {
  switch (field) {
    case 'custom_id':
      return consumer?.custom_id;
    case 'id':
      return consumer?.id;
    case 'consumer:<id>':
      return consumer?.id === undefined ? undefined : `consumer:${consumer.id}`;
    default:
      return consumer?.username;
  }
}

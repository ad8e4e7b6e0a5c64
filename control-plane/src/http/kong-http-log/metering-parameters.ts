import { z } from 'zod';
import { invalid } from '../../primitives/refusal';
import { plainText } from '../openmeter/fields';
import {
  type Attribute,
  consumerFields,
  isCredentialHeader,
  isReservedProperty,
  type MeteringRules,
  parseStatusRange,
  type SubjectRule,
  subjectPlaces,
} from './gateway-log';

/** The events' source unless one is given; the plugin must name the same where both report. */
export const defaultSource = 'kong-gateway';

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const name = plainText(1, 256);
const attributeLimit = 64;

const statuses = z
  .string()
  .max(1_024)
  .transform((text, context) =>
    text.split(',').map((part) => {
      const range = parseStatusRange(part);
      if (range) return range;
      context.addIssue({
        code: 'custom',
        message: `must be statuses or ranges such as 200-299,404, not "${part}"`,
      });
      return z.NEVER;
    }),
  );

const attribute = z.string().transform((text, context): Attribute => {
  const [source, header, property, ...rest] = text.split(':');
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if ((source !== 'header' && source !== 'query') || !header || !property || rest.length > 0)
    return refuse(
      'must be header:<name>:<event property> or query:<name>:<event property>, such as header:x-tenant:tenant',
    );
  if (source === 'header' && isCredentialHeader(header))
    return refuse(`"${header}" carries a credential, which must not come into an event`);
  if (isReservedProperty(property))
    return refuse(`"${property}" is a field that every event has; choose another name`);
  return { source, name: source === 'header' ? header.toLowerCase() : header, property };
});

/**
 * The query parameters of the endpoint: the plugin's configuration fields under the plugin's names and with its
 * defaults. An unknown one is refused, since a misspelt rule would count what was not to be counted.
 */
export const meteringParameters = z
  .strictObject({
    source: plainText(1, 1_024).default(defaultSource),
    meter_api_requests: flag.default(true),
    meter_ai_token_usage: flag.default(true),
    look_up_value_in: z.enum(subjectPlaces).default('consumer'),
    field: name.optional(),
    consumer_field: z.enum(consumerFields).optional(),
    counted_source: z.enum(['upstream', 'any']).default('upstream'),
    counted_statuses: statuses.default([]),
    attribute: z.array(attribute).max(attributeLimit).default([]),
  })
  .describe('Which logged requests count, and for whom.');

export interface IngestRules extends MeteringRules {
  source: string;
}

/** @throws Refusal `validation_failed` that names the parameters at fault */
export const readMeteringParameters = (search: string): IngestRules => {
  const given: Record<string, unknown> = {};
  const parameters = new URLSearchParams(search);
  for (const key of new Set(parameters.keys())) {
    const all = parameters.getAll(key);
    given[key] = key === 'attribute' ? all : all.at(-1);
  }
  const result = meteringParameters.safeParse(given);
  if (!result.success) {
    const fields = result.error.issues.slice(0, 100).map(({ code, path, message, ...issue }) => ({
      code: code ?? 'invalid',
      field: String(path[0] ?? ('keys' in issue ? issue.keys : '')),
      message,
    }));
    const summary = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
    throw invalid('validation_failed', `the query is not valid: ${summary}`, fields);
  }
  const { data } = result;
  return {
    source: data.source,
    metersApiRequests: data.meter_api_requests,
    metersAiTokenUsage: data.meter_ai_token_usage,
    subject: subjectRuleOf(data),
    attributes: data.attribute,
    countsOnlyUpstream: data.counted_source === 'upstream',
    countedStatuses: data.counted_statuses,
  };
};

const subjectRuleOf = (data: z.output<typeof meteringParameters>): SubjectRule => {
  const refuse = (field: string, message: string) =>
    invalid('validation_failed', `the query is not valid: ${field}: ${message}`, [
      { code: 'invalid', field, message },
    ]);
  const place = data.look_up_value_in;
  if (place === 'consumer') {
    const field = data.consumer_field ?? data.field ?? 'username';
    const known = consumerFields.find((candidate) => candidate === field);
    if (!known) throw refuse('field', `must be one of ${consumerFields.join(', ')}`);
    return { in: place, field: known };
  }
  if (place === 'application') return { in: place, field: data.field ?? 'id' };
  if (data.field === undefined) throw refuse('field', `is required: the name of the ${place}`);
  if (place === 'query') return { in: place, field: data.field };
  if (isCredentialHeader(data.field))
    throw refuse('field', `"${data.field}" carries a credential, which must not come into an event`);
  return { in: place, field: data.field.toLowerCase() };
};

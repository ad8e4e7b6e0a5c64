import { z } from 'zod';
import type { FieldError, Refusal } from '../../primitives/refusal';
import { sendProblem } from '../problem-details';
import type { ErrorShape } from '../server';

export const konnectPrefixes = ['/api/v3/openmeter', '/v3/openmeter'];

/** OpenMeter's v3 errors: problem details in which `invalid_parameters` names what was wrong. */
export const konnectProblem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string().describe('Stable, for programs; the texts are for people.'),
    invalid_parameters: z
      .array(
        z.object({
          field: z.string(),
          reason: z.string(),
          source: z.enum(['body', 'query', 'path', 'header']),
        }),
      )
      .min(1)
      .optional()
      .describe('Present in answers with status 400.'),
  })
  .meta({ id: 'KonnectProblem' });

/** The stages name fields as v1 does; these are v3's names of the same. */
const namesInV3: Record<string, string> = {
  slug: 'key',
  eventType: 'event_type',
  eventFrom: 'events_from',
  valueProperty: 'value_property',
  groupBy: 'dimensions',
  meterSlug: 'meter',
  advancedMeterGroupByFilters: 'meter.filters',
  billingCadence: 'billing_cadence',
  rateCards: 'rate_cards',
  featureKey: 'feature',
  entitlementTemplate: 'entitlement',
  issueAfterReset: 'limit',
  isSoftLimit: 'is_soft_limit',
  usagePeriod: 'usage_period',
  minimumAmount: 'commitments.minimum_amount',
  maximumAmount: 'commitments.maximum_amount',
  upToAmount: 'up_to_amount',
  flatPrice: 'flat_price',
  unitPrice: 'unit_price',
};

/** A path such as $.phases[0].rateCards[1].featureKey as v3 has it: phases[0].rate_cards[1].feature. */
export const fieldInV3 = (path: string): string =>
  path
    .replace(/^\$\.?/, '')
    .split('.')
    .map((part) => {
      const [, word = '', index = ''] = /^([^[]*)(.*)$/.exec(part) ?? [];
      return `${Object.hasOwn(namesInV3, word) ? namesInV3[word] : word}${index}`;
    })
    .join('.');

const parameterOf = ({ field, message }: FieldError) => ({
  field: fieldInV3(field) || 'body',
  reason: message,
  source: field.startsWith('$') ? ('body' as const) : ('query' as const),
});

const invalidParametersOf = (refusal: Refusal) =>
  refusal.fields.length > 0
    ? refusal.fields.map(parameterOf)
    : [{ field: 'body', reason: refusal.message, source: 'body' as const }];

/** Answers refusals under v3's paths in v3's shape. */
export const konnectErrors: ErrorShape = (request, response, refusal, requestId) => {
  const path = request.url ?? '';
  if (!konnectPrefixes.some((prefix) => path.startsWith(prefix))) return false;
  const more = refusal?.kind === 'invalid' ? { invalid_parameters: invalidParametersOf(refusal) } : {};
  sendProblem(response, refusal, requestId, more);
  return true;
};

import { z } from 'zod';
import type { Enforcement } from '../../enforcement';
import type { NewEntitlement } from '../../entitlements';
import { toQuantity } from '../../primitives/decimal';
import { type FieldError, Refusal } from '../../primitives/refusal';
import { defineRoute, json, type Route } from '../route';

/** How new customers are given what they are entitled to. */
export interface AssignmentPorts {
  subscribe: (customerId: string, plan: string) => Promise<void>;
  entitle: (customerId: string, entitlement: NewEntitlement) => Promise<void>;
  /** Whether a plan with this key can be subscribed to. */
  hasPlan: (key: string) => Promise<boolean>;
  hasFeature: (key: string) => Promise<boolean>;
}

const entitlementInput = z.discriminatedUnion('type', [
  z.strictObject({ feature: z.string().min(1).max(64), type: z.literal('boolean') }),
  z.strictObject({
    feature: z.string().min(1).max(64),
    type: z.literal('metered'),
    allowance: z.number().positive().describe('Granted anew each period.'),
    interval: z.string().default('MONTH').describe('DAY, WEEK, MONTH, YEAR or an ISO 8601 duration.'),
    isSoftLimit: z.boolean().default(false),
  }),
]);

const newEntitlementOf = (input: z.output<typeof entitlementInput>): NewEntitlement =>
  input.type === 'boolean'
    ? { feature: input.feature, type: 'boolean' }
    : {
        feature: input.feature,
        type: 'metered',
        isSoftLimit: input.isSoftLimit,
        issueAfterReset: { amount: toQuantity(String(input.allowance)) },
        usagePeriod: { interval: input.interval },
      };

const assignmentInput = z
  .strictObject({
    tag: z.string().min(1).max(128).optional(),
    group: z.string().min(1).max(128).optional(),
    plan: z.string().min(1).max(64).optional().describe("The plan's key."),
    entitlements: z.array(entitlementInput).max(32).default([]),
  })
  .refine(({ plan, entitlements }) => plan !== undefined || entitlements.length > 0, {
    message: 'give a plan or entitlements',
  });

/**
 * Plans and features that are named and do not exist. They are looked for before any customer is made: one that was made
 * without its plan would be known, and so left alone, ever after.
 */
const unknownNames = async (
  assignments: readonly z.output<typeof assignmentInput>[],
  { hasPlan, hasFeature }: Pick<AssignmentPorts, 'hasPlan' | 'hasFeature'>,
): Promise<FieldError[]> => {
  const errors: FieldError[] = [];
  for (const [index, { plan, entitlements }] of assignments.entries()) {
    const field = `$.assignments[${index}]`;
    if (plan !== undefined && !(await hasPlan(plan))) {
      const message = `there is no published plan "${plan}"; publish it first`;
      errors.push({ code: 'unknown', field: `${field}.plan`, message });
    }
    for (const [position, { feature }] of entitlements.entries()) {
      if (await hasFeature(feature)) continue;
      const message = `there is no feature "${feature}"; create it first`;
      errors.push({ code: 'unknown', field: `${field}.entitlements[${position}].feature`, message });
    }
  }
  return errors;
};

/** Customers from consumers. */
export const synchronizationRoutes = (
  { synchronize }: Pick<Enforcement, 'synchronize'>,
  { subscribe, entitle, ...names }: AssignmentPorts,
): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/v1/access/gateways/{idOrKey}/synchronize',
    scope: 'manage',
    tag: 'Access',
    summary: 'Make a customer of every consumer that has none, with a plan or entitlements by tag or group',
    params: z.object({ idOrKey: z.string().min(1).max(128) }),
    body: z
      .strictObject({
        assignments: z
          .array(assignmentInput)
          .max(64)
          .default([])
          .describe('The first whose tag and group the consumer has; one without either fits all.'),
      })
      .meta({ id: 'ConsumerSynchronization' }),
    responses: {
      200: {
        description: 'What was done.',
        schema: z.object({
          consumers: z.int(),
          created: z.int(),
          known: z.int(),
          assigned: z.int(),
          failures: z.array(z.object({ consumer: z.string(), message: z.string() })),
        }),
      },
      400: { description: 'A plan or a feature does not exist; nothing was made.' },
      404: { description: 'There is no such gateway.' },
      503: { description: 'The gateway does not answer as it should.' },
    },
    handle: async ({ params: { idOrKey }, body }) => {
      const fields = await unknownNames(body.assignments, names);
      if (fields.length > 0) {
        const text = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
        throw new Refusal('invalid', 'validation_failed', text, { fields });
      }
      const assignments = body.assignments.map(({ entitlements, ...rest }) => ({
        ...rest,
        entitlements: entitlements.map(newEntitlementOf),
      }));
      return json(200, await synchronize(idOrKey, { assignments, subscribe, entitle }));
    },
  }),
];

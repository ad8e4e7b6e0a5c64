import { z } from 'zod';

/*
 * The form of tollgate.yml: one section a kind of resource, names as keys. Fields are those of the HTTP API, except that
 * resources refer to each other by name. What a file leaves out has the default written here, so that applying it twice,
 * or dumping and applying it, means the same.
 */

/** Resources of one kind in one file at most. */
const maximumEntries = 10_000;

const name = z.string().min(1).max(256);
const metadata = z.record(z.string(), z.string()).default({});
/** Written the same way everywhere, so that equal instants compare equal. */
const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());

const named = <Schema extends z.ZodType>(entry: Schema) =>
  z
    .record(name, entry)
    .default({})
    .refine((entries) => Object.keys(entries).length <= maximumEntries, {
      error: `has more than ${maximumEntries} entries; split the file`,
    });

export const meterSchema = z.strictObject({
  name: z.string().optional(),
  description: z.string().optional(),
  eventType: z.string().min(1),
  aggregation: z.enum(['SUM', 'COUNT', 'AVG', 'MIN', 'MAX', 'UNIQUE_COUNT', 'LATEST']),
  valueProperty: z.string().optional(),
  eventFrom: instant.optional(),
  groupBy: z.record(z.string(), z.string()).default({}),
  metadata,
});

const filter = z.union([z.string(), z.record(z.string(), z.unknown())]);

export const featureSchema = z.strictObject({
  name: z.string().optional(),
  meter: name.optional(),
  filters: z.record(z.string(), filter).default({}),
  metadata,
});

const intervalNames: Record<string, string> = { P1D: 'DAY', P1W: 'WEEK', P1M: 'MONTH', P1Y: 'YEAR' };

const usagePeriod = z.strictObject({
  interval: z
    .string()
    .min(1)
    .transform((text) => intervalNames[text] ?? text),
  /** Taken at creation only: a reset moves the anchor on the server. */
  anchor: instant.optional(),
});

export const entitlementSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('metered'),
    usagePeriod,
    issueAfterReset: z.number().min(0).optional(),
    issueAfterResetPriority: z.int().min(1).max(255).default(1),
    isSoftLimit: z.boolean().default(false),
    preserveOverageAtReset: z.boolean().default(false),
    metadata,
  }),
  z.strictObject({ type: z.literal('static'), config: z.string(), metadata }),
  z.strictObject({ type: z.literal('boolean'), metadata }),
]);

export const customerSchema = z.strictObject({
  name: z.string().optional(),
  description: z.string().optional(),
  /** Subjects of events, besides the customer's own key; their order means nothing. */
  subjects: z
    .array(z.string().min(1))
    .max(1_000)
    .default([])
    .transform((subjects) => [...new Set(subjects)].sort()),
  primaryEmail: z.string().optional(),
  currency: z.string().length(3).optional(),
  billingAddress: z.record(z.string(), z.string()).optional(),
  metadata,
  entitlements: z.record(name, entitlementSchema).default({}),
});

export const channelSchema = z.strictObject({
  type: z.literal('WEBHOOK').default('WEBHOOK'),
  url: z.string().min(1),
  customHeaders: z.record(z.string(), z.string()).default({}),
  signingSecret: z.string().optional(),
  disabled: z.boolean().default(false),
  metadata,
});

const groups = z.array(z.string().min(1)).max(32).default([]);

const ruleParts = {
  channels: z.array(name).min(1).max(5),
  disabled: z.boolean().default(false),
  metadata,
};
const features = z.array(name).max(100).default([]);

export const ruleSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('entitlements.balance.threshold'),
    thresholds: z
      .array(
        z.strictObject({
          type: z.enum(['usage_percentage', 'usage_value', 'balance_value', 'PERCENT', 'NUMBER']),
          value: z.number().min(0),
        }),
      )
      .min(1)
      .max(10),
    features,
    ...ruleParts,
  }),
  z.strictObject({ type: z.literal('entitlements.reset'), features, ...ruleParts }),
  z.strictObject({ type: z.literal('invoice.created'), ...ruleParts }),
  z.strictObject({ type: z.literal('invoice.updated'), ...ruleParts }),
]);

export const policySchema = z.strictObject({
  leave: groups,
  join: groups,
  mode: z.enum(['enforce', 'observe']).default('enforce'),
});

export const gatewaySchema = z.strictObject({
  name: z.string().optional(),
  driver: z.string().min(1),
  adminUrls: z.array(z.string().min(1)).min(1),
  /** A reference such as ${env:KONG_ADMIN_TOKEN}: it is kept as it stands, and looked up by the server at each use. */
  token: z.string().optional(),
  workspace: z.string().optional(),
  controlPlaneId: z.string().optional(),
  timeoutMs: z.int().default(10_000),
  concurrency: z.int().optional(),
  /** By feature. */
  accessPolicies: z.record(name, policySchema).default({}),
});

/** Phases are written as the API takes them; their parts are checked there, with their path in the message. */
export const planSchema = z.strictObject({
  name: z.string().optional(),
  description: z.string().optional(),
  currency: z.string().length(3),
  billingCadence: z.string().default('P1M'),
  isProrated: z.boolean().default(true),
  phases: z.array(z.record(z.string(), z.unknown())).min(1),
  metadata,
});

export const declarationSchema = z.strictObject({
  /** The form of the file; a later form will have another number. */
  version: z.literal(1).default(1),
  meters: named(meterSchema),
  features: named(featureSchema),
  plans: named(planSchema),
  customers: named(customerSchema),
  channels: named(channelSchema),
  rules: named(ruleSchema),
  gateways: named(gatewaySchema),
});

/** What one tollgate.yml declares, with all defaults filled in. */
export type Declaration = z.output<typeof declarationSchema>;

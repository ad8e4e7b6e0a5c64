import { z } from 'zod';
import {
  type Plan,
  type PlanDetails,
  type Plans,
  planStatuses,
  type RateCard,
  searchPlans,
  statusOfPlan,
} from '../../billing';
import { featureIdsByKey, findFeature } from '../../catalog';
import type { Clock } from '../../primitives/clock';
import { type FieldError, invalid } from '../../primitives/refusal';
import type { Database } from '../../storage';
import { optionalTimeText, plainText, resourceKey, timeText, toTimeText } from '../openmeter/fields';
import { durationText } from '../openmeter/rate-card-schemas';
import { defineRoute, json, noContent, type Route } from '../route';
import { description, labels, labelsAnswer, name } from './fields';
import { listQuery, pageAnswer, pageSchema, sliceOf } from './listing';
import { fieldInV3 } from './problem-shape';
import { featureKeysOf, rateCardAnswer, rateCardSchema } from './rate-card-answer';
import { rateCardBody, rateCardOf } from './rate-card-body';

const tag = 'Konnect: plans';

const phaseBody = z.strictObject({
  key: resourceKey,
  name,
  description: description.optional(),
  labels: labels.optional(),
  duration: durationText.nullish(),
  rate_cards: z.array(rateCardBody).max(200),
});

const updateBody = z.strictObject({
  name,
  description: description.optional(),
  labels: labels.optional(),
  pro_rating_enabled: z.boolean().optional(),
  phases: z.array(phaseBody).min(1).max(50),
});

const createBody = updateBody.extend({
  key: resourceKey,
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as USD'),
  billing_cadence: durationText,
});

const planSchema = z
  .object({
    id: z.string(),
    key: z.string(),
    version: z.number().int(),
    name: z.string(),
    description: z.string().optional(),
    labels: labelsAnswer,
    currency: z.string(),
    billing_cadence: z.string(),
    pro_rating_enabled: z.boolean(),
    settlement_mode: z.literal('credit_then_invoice'),
    effective_from: timeText.optional(),
    effective_to: timeText.optional(),
    status: z.enum(planStatuses),
    phases: z.array(
      z.object({
        key: z.string(),
        name: z.string(),
        description: z.string().optional(),
        labels: labelsAnswer.optional(),
        duration: z.string().optional(),
        rate_cards: z.array(rateCardSchema),
      }),
    ),
    validation_errors: z
      .array(z.object({ code: z.string(), message: z.string(), field: z.string() }))
      .describe('What keeps a draft from being published.'),
    created_at: timeText,
    updated_at: timeText,
    deleted_at: timeText.optional(),
  })
  .meta({ id: 'KonnectPlan' });

const params = z.object({ planId: plainText(1, 64) });
const path = '/plans/{planId}';
const one = { description: 'The plan.', schema: planSchema };
const columns = {
  id: 'id',
  key: 'key',
  version: 'version',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
} as const;

export interface PlansOptions {
  plans: Plans;
  database: Database;
  clock: Clock;
}

/** Plans in v3's shape. */
export const plansRoutes = ({ plans, database, clock }: PlansOptions): Route[] => {
  const answersOf = async (list: readonly Plan[]) => {
    const cards = list.flatMap(({ phases }) => phases.flatMap(({ rateCards }) => rateCards));
    const featureIds = await featureIdsByKey(database, featureKeysOf(cards));
    const answers = [];
    for (const plan of list)
      answers.push(answerOf(plan, await plans.problemsOf(plan), featureIds, clock.now()));
    return answers;
  };
  const answer = async (plan: Plan) => (await answersOf([plan]))[0]!;

  /** Features are named by their ids (or keys); plans keep their keys. */
  const featureKeysOfBody = async (body: z.output<typeof updateBody>): Promise<Map<string, string>> => {
    const named = new Set(
      body.phases.flatMap(({ rate_cards: cards }) => cards.flatMap(({ feature }) => feature?.id ?? [])),
    );
    const keys = new Map<string, string>();
    for (const idOrKey of named) {
      const feature = await findFeature(database, idOrKey);
      if (feature && feature.archivedAt === null) keys.set(idOrKey, feature.key);
    }
    return keys;
  };

  const detailsOf = async (
    body: z.output<typeof updateBody>,
    { currency, billingCadence }: Pick<Plan, 'currency' | 'billingCadence'>,
  ): Promise<PlanDetails> => {
    const featureKeys = await featureKeysOfBody(body);
    const problems: FieldError[] = [];
    const phases = body.phases.map((phase, index) => ({
      key: phase.key,
      name: phase.name,
      description: phase.description,
      metadata: phase.labels,
      duration: phase.duration ?? null,
      rateCards: phase.rate_cards.flatMap((card, position): RateCard[] => {
        const cardPath = `$.phases[${index}].rate_cards[${position}]`;
        const converted = rateCardOf(card, { currency, billingCadence, featureKeys, path: cardPath });
        if ('value' in converted) return [converted.value];
        problems.push(converted.problem);
        return [];
      }),
    }));
    const [first] = problems;
    if (first)
      throw invalid('invalid_plan', `the plan is not valid: ${first.field} ${first.message}`, problems);
    return {
      name: body.name,
      description: body.description ?? null,
      metadata: body.labels ?? {},
      billingCadence,
      isProrated: body.pro_rating_enabled ?? true,
      phases,
    };
  };

  const action = (verb: 'publish' | 'archive', summary: string): Route =>
    defineRoute({
      method: 'post',
      path: `${path}/${verb}`,
      scope: 'manage',
      tag,
      summary,
      params,
      responses: { 200: one },
      handle: async (input) => json(200, await answer(await plans[verb](input.params.planId))),
    });

  return [
    defineRoute({
      method: 'post',
      path: '/plans',
      scope: 'manage',
      tag,
      summary: 'Create a plan as a draft',
      body: createBody,
      responses: { 201: one },
      handle: async ({ body }) => {
        const terms = { currency: body.currency, billingCadence: body.billing_cadence };
        return json(
          201,
          await answer(await plans.create(body.key, body.currency, await detailsOf(body, terms))),
        );
      },
    }),
    defineRoute({
      method: 'get',
      path: '/plans',
      scope: 'read',
      tag,
      summary: 'List plans',
      query: listQuery(
        ['key', 'name', 'status', 'currency'],
        ['id', 'key', 'version', 'created_at', 'updated_at'],
        'created_at',
      ),
      responses: { 200: { description: 'One page.', schema: pageSchema(planSchema) } },
      handle: async ({ query: { page, sort, filter } }) => {
        const { items, totalCount } = await searchPlans(
          database,
          {
            conditions: filter,
            orderBy: columns[sort.orderBy],
            isDescending: sort.isDescending,
            ...sliceOf(page),
          },
          clock.now(),
        );
        return json(200, pageAnswer(await answersOf(items), page, totalCount));
      },
    }),
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'Get a plan by id, or the newest published version of a key',
      params,
      responses: { 200: one },
      handle: async (input) => json(200, await answer(await plans.get(input.params.planId))),
    }),
    defineRoute({
      method: 'put',
      path,
      scope: 'manage',
      tag,
      summary: 'Replace a draft',
      params,
      body: updateBody,
      responses: { 200: one },
      handle: async ({ params: { planId }, body }) => {
        const plan = await plans.get(planId, true);
        return json(200, await answer(await plans.replace(plan.id, await detailsOf(body, plan))));
      },
    }),
    defineRoute({
      method: 'delete',
      path,
      scope: 'manage',
      tag,
      summary: 'Delete a draft or an archived plan',
      params,
      responses: { 204: { description: 'It is deleted.' } },
      handle: async (input) => {
        await plans.delete(input.params.planId);
        return noContent;
      },
    }),
    action('publish', 'Put a draft in force; the version in force until now is archived'),
    action('archive', 'Take a plan out of force; its subscriptions go on'),
  ];
};

const answerOf = (
  plan: Plan,
  problems: readonly FieldError[],
  featureIds: ReadonlyMap<string, string>,
  now: number,
): z.input<typeof planSchema> => ({
  id: plan.id,
  key: plan.key,
  version: plan.version,
  name: plan.name,
  description: plan.description ?? undefined,
  labels: plan.metadata,
  currency: plan.currency,
  billing_cadence: plan.billingCadence,
  pro_rating_enabled: plan.isProrated,
  settlement_mode: 'credit_then_invoice',
  effective_from: optionalTimeText(plan.effectiveFrom),
  effective_to: optionalTimeText(plan.effectiveTo),
  status: statusOfPlan(plan, now),
  phases: plan.phases.map((phase) => ({
    key: phase.key,
    name: phase.name,
    description: phase.description,
    labels: phase.metadata,
    duration: phase.duration ?? undefined,
    rate_cards: phase.rateCards.map((card) => rateCardAnswer(card, featureIds)),
  })),
  validation_errors: problems.map(({ code, message, field }) => ({ code, message, field: fieldInV3(field) })),
  created_at: toTimeText(plan.createdAt),
  updated_at: toTimeText(plan.updatedAt),
  deleted_at: optionalTimeText(plan.deletedAt),
});

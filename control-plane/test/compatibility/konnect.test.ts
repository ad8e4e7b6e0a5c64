import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cloudEvent } from '../support/cloud-events';
import { differenceFromV3 } from '../support/konnect-schemas';
import { ManualClock } from '../support/manual-clock';
import { runCommands } from '../support/run-commands';
import { describeOnEachStorage, type TestDatabase, testStorages } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

// biome-ignore lint/suspicious/noExplicitAny: every answer is held against OpenMeter's own schemas
type Answer = any;

const guide = readFileSync(join(__dirname, '../fixtures/konnect-per-seat-guide.sh'), 'utf8');

describe("Konnect's guide to per-seat billing", () => {
  it('runs as it is printed, but for host and token, and comes to three seats', async () => {
    const opened = await testStorages[0]!.open();
    // The guide's event times have whole seconds and must not lie before the subscription's start.
    const clock = new ManualClock(Math.floor(Date.now() / 1_000) * 1_000);
    const app = await startTestApp(opened.database, { clock });
    try {
      const output = await runCommands(guide.replaceAll('https://us.api.konghq.com', app.url), {
        KONNECT_TOKEN: app.token,
      });
      const charges = JSON.parse(output.slice(output.lastIndexOf('{"data"'))) as Answer;
      expect(charges.data).toMatchObject([
        { type: 'usage_based', feature_key: 'active_users', totals: { realtime: { amount: '3' } } },
      ]);
      const invoices = await app.request('GET', '/api/v1/billing/invoices?statuses=gathering&expand=lines');
      const [preview] = ((await invoices.json()) as Answer).items;
      expect(preview.totals).toMatchObject({ amount: '3', total: '3' });
      expect(preview.lines).toMatchObject([{ name: 'active-users', quantity: '3' }]);
    } finally {
      await app.stop();
      await opened.drop();
    }
  }, 120_000);
});

describeOnEachStorage("OpenMeter's v3 API", (storage) => {
  const clock = new ManualClock('2026-03-01T00:00:00Z');
  let opened: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock });
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  /** Sends a request and holds the answer against the specification. */
  const send = async (method: string, path: string, body?: unknown, prefix = '/v3/openmeter') => {
    const response = await app.request(method, `${prefix}${path}`, body);
    const text = await response.text();
    const answer: Answer = text === '' ? undefined : JSON.parse(text);
    const difference = differenceFromV3(
      method,
      `${prefix}${path}`,
      response.status,
      response.headers.get('content-type'),
      answer,
    );
    if (difference) throw new Error(`${method} ${path} ${response.status}: ${difference}\n${text}`);
    return { status: response.status, answer };
  };
  const expectStatus = async (
    status: number,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Answer> => {
    const sent = await send(method, path, body);
    if (sent.status !== status)
      throw new Error(`${method} ${path}: ${sent.status} ${JSON.stringify(sent.answer)}`);
    return sent.answer;
  };

  it('creates, reads, changes, lists and deletes meters', async () => {
    const meter = await expectStatus(201, 'POST', '/meters', {
      key: 'tokens_total',
      name: 'Tokens',
      description: 'All of them',
      labels: { env: 'test' },
      aggregation: 'sum',
      event_type: 'prompt',
      value_property: '$.tokens',
      dimensions: { model: '$.model' },
    });
    expect(meter).toMatchObject({
      key: 'tokens_total',
      aggregation: 'sum',
      dimensions: { model: '$.model' },
    });
    expect(await expectStatus(200, 'GET', `/meters/${meter.id}`)).toEqual(meter);
    expect(await expectStatus(200, 'GET', '/meters/tokens_total')).toEqual(meter);
    const changed = await expectStatus(200, 'PUT', `/meters/${meter.id}`, { name: 'Tokens used' });
    expect(changed).toMatchObject({
      name: 'Tokens used',
      description: 'All of them',
      labels: { env: 'test' },
    });
    await expectStatus(201, 'POST', '/meters', {
      key: 'calls',
      name: 'Calls',
      aggregation: 'count',
      event_type: 'call',
    });
    const page = await expectStatus(200, 'GET', '/meters?page[size]=1&page[number]=2&sort=key desc');
    expect(page).toMatchObject({
      data: [{ key: 'calls' }],
      meta: { page: { number: 2, size: 1, total: 2 } },
    });
    const keysOf = async (query: string) =>
      (await expectStatus(200, 'GET', `/meters?${query}`)).data.map(({ key }: Answer) => key);
    expect(await keysOf('filter[key]=calls')).toEqual(['calls']);
    expect(await keysOf('filter[key][neq]=calls')).toEqual(['tokens_total']);
    expect(await keysOf('filter[name][contains]=TOKEN')).toEqual(['tokens_total']);
    expect(await keysOf('filter[key][oeq]=calls,none,tokens_total&sort=key')).toEqual([
      'calls',
      'tokens_total',
    ]);
    expect(await keysOf('filter[name][ocontains]=cal,xyz')).toEqual(['calls']);
    expect(await keysOf('filter[key][gt]=calls&filter[key][exists]=true')).toEqual(['tokens_total']);
    await expectStatus(204, 'DELETE', '/meters/calls');
    await expectStatus(404, 'GET', '/meters/calls');
  });

  it('answers usage as decimal text, by window, zone, dimension, subject and customer', async () => {
    const events = [
      ['acme', '2026-03-01T10:00:00Z', 9_007_199_254_740_993n, 'gpt_4'],
      ['acme', '2026-03-01T23:30:00Z', 1n, 'gpt_4'],
      ['acme', '2026-03-02T10:00:00Z', 5n, 'gptx4'],
      ['other', '2026-03-02T11:00:00Z', 7n, undefined],
    ] as const;
    const batch = events.map(([subject, time, tokens, model]) => {
      const event = cloudEvent({ type: 'prompt', subject, time, data: { tokens: 'N', model } });
      return JSON.stringify(event).replace('"N"', String(tokens));
    });
    const stored = await app.request('POST', '/v3/openmeter/events', `[${batch.join(',')}]`, {
      'content-type': 'application/cloudevents-batch+json',
    });
    expect(stored.status).toBe(202);
    await expectStatus(201, 'POST', '/customers', { key: 'acme', name: 'Acme' });
    const { id } = await expectStatus(200, 'GET', '/customers/acme');
    const query = async (body: object) =>
      (await expectStatus(200, 'POST', '/meters/tokens_total/query', body)).data as Answer[];
    expect(await query({})).toMatchObject([{ value: '9007199254741006', dimensions: {} }]);
    expect(
      await query({
        from: '2026-03-01T00:00:00Z',
        to: '2026-03-03T00:00:00Z',
        granularity: 'P1D',
        time_zone: 'Europe/Berlin',
      }),
    ).toMatchObject([
      { value: '9007199254740993', from: '2026-02-28T23:00:00.000Z', to: '2026-03-01T23:00:00.000Z' },
      { value: '13', from: '2026-03-01T23:00:00.000Z' },
    ]);
    const byModel = await query({ group_by_dimensions: ['model', 'subject', 'customer_id'] });
    expect(byModel).toContainEqual(
      expect.objectContaining({
        value: '5',
        dimensions: { model: 'gptx4', subject: 'acme', customer_id: id },
      }),
    );
    expect(byModel).toContainEqual(
      expect.objectContaining({ value: '7', dimensions: expect.objectContaining({ subject: 'other' }) }),
    );
    const filtered = async (dimensions: object) => (await query({ filters: { dimensions } }))[0]?.value;
    expect(await filtered({ model: { contains: 'gpt_' } })).toBe('9007199254740994');
    expect(await filtered({ model: { ncontains: 'gpt_' } })).toBe('12');
    expect(await filtered({ model: { exists: false } })).toBe('7');
    expect(await filtered({ model: { exists: true }, subject: { eq: 'acme' } })).toBe('9007199254740999');
    expect(await filtered({ model: { in: ['gptx4', 'none'] } })).toBe('5');
    expect(await filtered({ model: { or: [{ eq: 'gptx4' }, { eq: '' }] } })).toBe('12');
    expect(await filtered({ customer_id: { in: [id] }, model: { neq: 'gpt_4' } })).toBe('5');
    for (const dimensions of [
      { none: { eq: 'x' } },
      { model: { eq: 'a', neq: 'b' } },
      { subject: { contains: 'a' } },
    ]) {
      await expectStatus(400, 'POST', '/meters/tokens_total/query', { filters: { dimensions } });
    }
    await expectStatus(404, 'POST', '/meters/none/query', {});
  });

  it('creates features by the id or the key of a meter, and prices them', async () => {
    const meter = await expectStatus(200, 'GET', '/meters/tokens_total');
    const feature = await expectStatus(201, 'POST', '/features', {
      key: 'gpt_tokens',
      name: 'GPT tokens',
      description: 'Of one model',
      labels: { team: 'ai' },
      meter: { id: meter.id, filters: { model: { in: ['gpt_4', 'gptx4'] } } },
      unit_cost: { type: 'llm', provider: 'openai', model_property: 'model', token_type: 'input' },
    });
    expect(feature).toMatchObject({
      description: 'Of one model',
      meter: { id: meter.id, filters: { model: { in: ['gpt_4', 'gptx4'] } } },
      unit_cost: { type: 'llm', model_property: 'model', token_type: 'input' },
    });
    const priced = await expectStatus(200, 'PATCH', '/features/gpt_tokens', {
      unit_cost: { type: 'manual', amount: '0.01' },
    });
    expect(priced.unit_cost).toEqual({ type: 'manual', amount: '0.01' });
    await expectStatus(201, 'POST', '/features', { key: 'sso', name: 'Single sign-on' });
    const listed = await expectStatus(200, 'GET', `/features?filter[meter_id]=${meter.id}`);
    expect(listed.data.map(({ key }: Answer) => key)).toEqual(['gpt_tokens']);
    await expectStatus(400, 'POST', '/features', { key: 'a', name: 'A', meter: { key: 'none' } });
    await expectStatus(204, 'DELETE', '/features/sso');
  });

  it('creates, replaces, finds and deletes customers', async () => {
    const customer = await expectStatus(201, 'POST', '/customers', {
      key: 'globex',
      name: 'Globex',
      labels: { tier: 'gold' },
      usage_attribution: { subject_keys: ['globex-eu', 'globex-us'] },
      primary_email: 'billing@globex.test',
      currency: 'EUR',
      billing_address: { country: 'DE', city: 'Berlin', postal_code: '10115' },
    });
    const replaced = await expectStatus(200, 'PUT', `/customers/${customer.id}`, {
      name: 'Globex Corp',
      usage_attribution: { subject_keys: ['globex-eu'] },
    });
    expect(replaced).toMatchObject({
      key: 'globex',
      name: 'Globex Corp',
      usage_attribution: { subject_keys: ['globex-eu'] },
    });
    const found = await expectStatus(
      200,
      'GET',
      '/customers?filter[usage_attribution_subject_key]=globex-eu',
    );
    expect(found.data.map(({ id }: Answer) => id)).toEqual([customer.id]);
    expect(await expectStatus(200, 'GET', '/customers?sort=name desc&page[size]=1')).toMatchObject({
      data: [{ name: 'Globex Corp' }],
    });
    await expectStatus(204, 'DELETE', `/customers/${customer.id}`);
    await expectStatus(404, 'GET', `/customers/${customer.id}`);
  });

  it('keeps every price and entitlement of a plan as it was given', async () => {
    const feature = await expectStatus(200, 'GET', '/features/gpt_tokens');
    await expectStatus(201, 'POST', '/features', {
      key: 'storage',
      name: 'Storage',
      meter: { key: 'tokens_total' },
    });
    const storageFeature = await expectStatus(200, 'GET', '/features/storage');
    const cards = [
      {
        key: 'base',
        name: 'Base',
        price: { type: 'flat', amount: '10' },
        billing_cadence: 'P1M',
        payment_term: 'in_advance',
      },
      { key: 'setup', name: 'Set-up', price: { type: 'flat', amount: '99.5' }, payment_term: 'in_arrears' },
      {
        key: 'gpt_tokens',
        name: 'Tokens',
        feature: { id: feature.id },
        billing_cadence: 'P1M',
        price: {
          type: 'graduated',
          tiers: [
            { up_to_amount: '1000', unit_price: { type: 'unit', amount: '0.01' } },
            { flat_price: { type: 'flat', amount: '5' }, unit_price: { type: 'unit', amount: '0.005' } },
          ],
        },
        commitments: { minimum_amount: '1', maximum_amount: '100' },
        discounts: { percentage: 10, usage: '5' },
        tax_config: { behavior: 'exclusive', code: { id: '01ARZ3NDEKTSV4RRFFQ69G5FAV' } },
        entitlement: { type: 'metered', is_soft_limit: true, limit: 1000, usage_period: 'P1W' },
      },
      {
        key: 'storage',
        name: 'Storage',
        feature: { id: storageFeature.id },
        billing_cadence: 'P1M',
        price: { type: 'unit', amount: '2' },
        unit_config: { operation: 'divide', conversion_factor: '1000', rounding: 'ceiling' },
        entitlement: { type: 'static', config: { regions: ['eu'] } },
      },
    ];
    const plan = await expectStatus(201, 'POST', '/plans', {
      key: 'pro',
      name: 'Pro',
      currency: 'EUR',
      billing_cadence: 'P1M',
      labels: { tier: 'pro' },
      phases: [
        {
          key: 'trial',
          name: 'Trial',
          duration: 'P1M',
          rate_cards: [{ key: 'free', name: 'Free', price: { type: 'free' } }],
        },
        { key: 'default', name: 'Default', rate_cards: cards },
      ],
    });
    expect(plan).toMatchObject({
      status: 'draft',
      version: 1,
      validation_errors: [],
      phases: [{}, { rate_cards: cards }],
    });
    const renamed = await expectStatus(200, 'PUT', `/plans/${plan.id}`, {
      name: 'Pro plan',
      phases: [{ key: 'default', name: 'Default', rate_cards: cards }],
    });
    expect(renamed).toMatchObject({ name: 'Pro plan', phases: [{ rate_cards: cards }] });
    expect(await expectStatus(200, 'POST', `/plans/${plan.id}/publish`)).toMatchObject({ status: 'active' });
    const listed = await expectStatus(
      200,
      'GET',
      '/plans?filter[status][oeq]=active,draft&filter[currency]=EUR',
    );
    expect(listed.data.map(({ key }: Answer) => key)).toEqual(['pro']);
    const draft = await expectStatus(201, 'POST', '/plans', {
      key: 'incomplete',
      name: 'I',
      currency: 'EUR',
      billing_cadence: 'P1M',
      phases: [{ key: 'default', name: 'Default', rate_cards: [] }],
    });
    expect(draft.validation_errors).toMatchObject([{ field: 'phases[0].rate_cards' }]);
    const refused = await expectStatus(400, 'POST', `/plans/${draft.id}/publish`);
    expect(refused.invalid_parameters).toMatchObject([{ field: 'phases[0].rate_cards', source: 'body' }]);
    await expectStatus(204, 'DELETE', `/plans/${draft.id}`);
    for (const card of [
      { ...cards[2], currency: 'USD' },
      { ...cards[2], feature: { id: 'none' } },
      { ...cards[3], unit_config: { operation: 'divide', conversion_factor: '2', rounding: 'floor' } },
      { ...cards[0], commitments: { minimum_amount: '1' } },
      { ...cards[0], entitlement: { type: 'boolean' } },
    ]) {
      const answer = await expectStatus(400, 'POST', '/plans', {
        key: 'bad',
        name: 'B',
        currency: 'EUR',
        billing_cadence: 'P1M',
        phases: [{ key: 'default', name: 'Default', rate_cards: [card] }],
      });
      expect(answer.invalid_parameters[0].field).toMatch(/^phases\[0\]\.rate_cards\[0\]\./);
    }
  });

  it('subscribes, changes, cancels and takes a cancelation back, and access follows', async () => {
    const customer = await expectStatus(200, 'GET', '/customers/acme');
    const subscription = await expectStatus(201, 'POST', '/subscriptions', {
      customer: { key: 'acme' },
      plan: { key: 'pro' },
      labels: { source: 'test' },
    });
    expect(subscription).toMatchObject({
      customer_id: customer.id,
      status: 'active',
      plan: { key: 'pro', version: 1 },
      current_period: { from: '2026-03-01T00:00:00.000Z', to: '2026-04-01T00:00:00.000Z' },
    });
    const access = await expectStatus(200, 'GET', `/customers/${customer.id}/entitlement-access`);
    expect(access.data).toContainEqual(
      expect.objectContaining({ feature_key: 'storage', has_access: true, type: 'static' }),
    );
    await expectStatus(200, 'POST', '/entitlement-access/query', {
      customer: { keys: ['acme', 'nobody'] },
      feature: { keys: ['storage', 'none'] },
    });
    await expectStatus(409, 'POST', '/subscriptions', {
      customer: { id: customer.id },
      plan: { key: 'pro' },
    });
    const path = `/subscriptions/${subscription.id}`;
    const canceled = await expectStatus(200, 'POST', `${path}/cancel`, { timing: 'next_billing_cycle' });
    expect(canceled).toMatchObject({ status: 'canceled', active_to: '2026-04-01T00:00:00.000Z' });
    expect(await expectStatus(200, 'POST', `${path}/unschedule-cancelation`)).toMatchObject({
      status: 'active',
    });
    await expectStatus(201, 'POST', '/plans', {
      key: 'basic',
      name: 'Basic',
      currency: 'EUR',
      billing_cadence: 'P1M',
      phases: [
        {
          key: 'default',
          name: 'Default',
          rate_cards: [
            { key: 'base', name: 'Base', price: { type: 'flat', amount: '1' }, billing_cadence: 'P1M' },
          ],
        },
      ],
    });
    const { data } = await expectStatus(200, 'GET', '/plans?filter[key]=basic');
    await expectStatus(200, 'POST', `/plans/${data[0].id}/publish`);
    clock.advance(60_000);
    const changed = await expectStatus(200, 'POST', `${path}/change`, {
      customer: { id: customer.id },
      plan: { id: data[0].id },
      timing: 'immediate',
    });
    expect(changed).toMatchObject({
      current: { status: 'inactive' },
      next: { status: 'active', plan: { key: 'basic' } },
    });
    const listed = await expectStatus(
      200,
      'GET',
      `/subscriptions?filter[customer_id]=${customer.id}&filter[status]=active`,
    );
    expect(listed.data).toEqual([changed.next]);
    expect((await expectStatus(200, 'GET', `/customers/${customer.id}/entitlement-access`)).data).toEqual([]);
    const charges = await expectStatus(
      200,
      'GET',
      `/customers/acme/charges?expand=real_time_usage&filter[status][oeq]=active,created,final`,
    );
    expect(charges.data.map(({ type }: Answer) => type)).toEqual(
      expect.arrayContaining(['flat_fee', 'usage_based']),
    );
    await expectStatus(404, 'GET', '/subscriptions/none');
    await expectStatus(404, 'POST', '/subscriptions', { customer: { id: 'none' }, plan: { key: 'pro' } });
  });

  it.each(['/v3/openmeter', '/api/v3/openmeter'])(
    'takes events in every mode under %s, and refuses in its own shape',
    async (prefix) => {
      const post = (body: unknown, headers: Record<string, string>) =>
        app.request('POST', `${prefix}/events`, body, headers);
      expect((await post(cloudEvent(), { 'content-type': 'application/cloudevents+json' })).status).toBe(202);
      expect((await post([cloudEvent(), cloudEvent()], { 'content-type': 'application/json' })).status).toBe(
        202,
      );
      const binary = {
        'ce-specversion': '1.0',
        'ce-id': `b-${prefix}`,
        'ce-source': 's',
        'ce-type': 't',
        'ce-subject': 'x',
        'content-type': 'application/json',
      };
      expect((await post('{"a":1}', binary)).status).toBe(202);
      const { status, answer } = await send(
        'POST',
        '/events',
        [cloudEvent(), cloudEvent({ subject: '' })],
        prefix,
      );
      expect(status).toBe(400);
      expect(answer.invalid_parameters).toEqual([
        { field: '[1].subject', reason: 'must not be empty', source: 'body' },
      ]);
    },
  );

  it.each([
    ['POST', '/meters', { key: 'Bad Key', name: 'x', aggregation: 'sum', event_type: 'e' }, 'key'],
    ['POST', '/meters', { key: 'k', name: 'x', aggregation: 'mean', event_type: 'e' }, 'aggregation'],
    ['POST', '/meters', { key: 'k', name: 'x', aggregation: 'sum', event_type: 'e' }, 'value_property'],
    ['POST', '/meters', '{', 'body'],
    ['POST', '/customers', { name: 'x' }, 'key'],
    ['POST', '/customers', { name: 'x', key: 'y', unknown: 1 }, 'body'],
    ['POST', '/subscriptions', { customer: {}, plan: { key: 'pro' } }, 'customer'],
    ['GET', '/meters?sort=size', undefined, 'sort'],
    ['GET', '/meters?filter[size]=1', undefined, 'filter'],
    ['GET', '/plans?page[number]=0', undefined, 'page.number'],
  ])('refuses %s %s %j and names %s', async (method, path, body, field) => {
    const answer = await expectStatus(400, method, path, body);
    expect(answer.invalid_parameters[0].field).toBe(field);
  });

  it('answers a missing token and a missing scope as the specification has it', async () => {
    const response = await fetch(`${app.url}/v3/openmeter/meters`);
    expect(
      differenceFromV3(
        'GET',
        '/v3/openmeter/meters',
        response.status,
        response.headers.get('content-type'),
        await response.json(),
      ),
    ).toBeUndefined();
    expect(response.status).toBe(401);
  });
});

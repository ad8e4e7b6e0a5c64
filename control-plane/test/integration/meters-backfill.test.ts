import {
  type BackfillOptions,
  createMeterCatalog,
  createRollupStore,
  type MeterDraft,
  queryMeter,
  stepBackfill,
} from '../../src/metering';
import { createSettleMeter } from '../../src/pipeline';
import { systemClock } from '../../src/primitives/clock';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { cloudEvent } from '../support/cloud-events';
import { entitleCustomer, settleWith } from '../support/entitled-customer';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const newId = createIdentifierSource();
const start = Date.now() - 3 * 86_400_000;

describeOnEachStorage('the backfill of a meter', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  /** 120 events of a type, an hour apart, each of value 0.1 but the last, which is 7. */
  const send = async (type: string, count = 120) => {
    const events = Array.from({ length: count }, (_, index) =>
      cloudEvent({
        type,
        subject: index % 2 ? 'acme' : 'globex',
        time: new Date(start + index * 1_800_000).toISOString(),
        data: { value: index === count - 1 ? 7 : 0.1, model: index % 3 ? 'gpt-4' : 'claude', region: 'eu' },
      }),
    );
    expect((await app.request('POST', '/api/v1/events', events)).status).toBe(204);
  };
  const createMeter = async (slug: string, eventType: string, aggregation = 'SUM') => {
    const response = await app.request('POST', '/api/v1/meters', {
      slug,
      eventType,
      aggregation,
      ...(aggregation === 'COUNT' ? {} : { valueProperty: '$.value' }),
      groupBy: { model: '$.model' },
    });
    expect(response.status).toBe(201);
    return (await response.json()) as { id: string; annotations?: { backfill: { progress: number } } };
  };
  const isCounted = async (slug: string) => {
    const response = await app.request('GET', `/api/v1/meters/${slug}`);
    return !((await response.json()) as { annotations?: unknown }).annotations;
  };
  const usage = async (slug: string, parameters = '') => {
    const response = await app.request('GET', `/api/v1/meters/${slug}/query?${parameters}`);
    const { data } = (await response.json()) as { data: { value: number; groupBy: object }[] };
    return data.map(({ value, groupBy }) => [value, ...Object.values(groupBy)]);
  };

  it('counts the events that were stored before the meter, once', async () => {
    await send('before');
    await createMeter('before_sum', 'before');
    await createMeter('before_latest', 'before', 'LATEST');
    await createMeter('before_unique', 'before', 'UNIQUE_COUNT');
    for (const slug of ['before_sum', 'before_latest', 'before_unique'])
      await waitUntil(`${slug} is counted`, () => isCounted(slug));
    await send('before', 10);
    expect(await usage('before_sum')).toEqual([[26.8]]);
    expect(await usage('before_sum', 'groupBy=model&filterGroupBy[model]=claude')).toEqual([
      [11.3, 'claude'],
    ]);
    expect(await usage('before_latest')).toEqual([[7]]);
    expect(await usage('before_unique')).toEqual([[2]]);
  });

  it('counts every event once while others arrive at the same time', async () => {
    await send('during');
    const creating = createMeter('during', 'during', 'COUNT');
    for (let batch = 0; batch < 15; batch += 1) await send('during', 20);
    await creating;
    await waitUntil('the meter is counted', () => isCounted('during'));
    expect(await usage('during')).toEqual([[120 + 15 * 20]]);
  });

  it('groups a meter anew without taking its usage away meanwhile', async () => {
    await send('regrouped');
    await createMeter('regrouped', 'regrouped', 'COUNT');
    await waitUntil('the meter is counted', () => isCounted('regrouped'));
    const changed = await app.request('PUT', '/api/v1/meters/regrouped', {
      groupBy: { model: '$.model', region: '$.region' },
    });
    expect(await changed.json()).toMatchObject({ groupBy: { model: '$.model', region: '$.region' } });
    expect(await usage('regrouped')).toEqual([[120]]);
    await send('regrouped', 20);
    await waitUntil('the meter is counted anew', () => isCounted('regrouped'));
    expect(await usage('regrouped')).toEqual([[140]]);
    expect(await usage('regrouped', 'groupBy=region&groupBy=model')).toEqual([
      [47, 'eu', 'claude'],
      [93, 'eu', 'gpt-4'],
    ]);
    await waitUntil('the old rollups are deleted', async () => {
      const { rows } = await opened.database.query('SELECT 1 FROM retired_meter_number');
      return rows.length === 0;
    });
    const { rows } = await opened.database.query<{ n: number }>(
      'SELECT count(*) AS n FROM series WHERE meter_number NOT IN (SELECT number FROM meter)',
    );
    expect(rows[0]!.n).toBe(0);
  });

  it('refuses to group anew a meter whose events retention has dropped', async () => {
    await send('dropped');
    await createMeter('dropped', 'dropped', 'COUNT');
    await waitUntil('the meter is counted', () => isCounted('dropped'));
    const week = Math.floor(Date.now() / 604_800_000);
    await opened.database.query('INSERT INTO dropped_event_week (week, dropped_at) VALUES ($1, 0)', [week]);
    const response = await app.request('PUT', '/api/v1/meters/dropped', { groupBy: {} });
    await opened.database.query('DELETE FROM dropped_event_week');
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: 'meter_events_dropped' });
  });

  describe('step by step', () => {
    const draft: MeterDraft = {
      slug: 'steps',
      name: null,
      description: null,
      aggregation: 'COUNT',
      eventType: 'steps',
      eventFrom: null,
      valueProperty: null,
      groupBy: {},
      metadata: {},
    };
    let catalog: ReturnType<typeof createMeterCatalog>;
    const worker = (owner: string): BackfillOptions => ({
      database: opened.database,
      rollups: createRollupStore(opened.database),
      settleMeter: createSettleMeter(settleWith([]), systemClock),
      owner,
      pageSize: 200,
    });
    const expireLease = () => opened.database.query('UPDATE meter_backfill SET lease_until = 0');

    beforeAll(async () => {
      await send('steps');
      // The steps below are the only ones from here on.
      await app.stop();
      catalog = createMeterCatalog({
        database: opened.database,
        clock: systemClock,
        newId,
        guard: { beforeDelete: async () => {}, beforeGroupByDrop: async () => {} },
        onBackfill: () => {},
      });
    });

    it('goes on on another replica where a crash ended it, and evaluates the entitlements at the end', async () => {
      const { database } = opened;
      const { id } = await catalog.create(draft);
      await database.query(
        `INSERT INTO feature (id, key, name, meter_id, created_at, updated_at) VALUES ('f', 'f', 'f', $1, 0, 0)`,
        [id],
      );
      const { entitlementId } = await entitleCustomer({
        database,
        from: start,
        subject: 'acme',
        allowance: '50',
        featureKey: 'f',
      });
      const standing = async () =>
        (
          await database.query<{ usage: string; has_access: boolean }>(
            'SELECT usage, has_access FROM entitlement_standing WHERE entitlement_id = $1',
            [entitlementId],
          )
        ).rows[0];
      expect(await standing()).toEqual({ usage: '0', has_access: true });

      expect(await stepBackfill(worker('one'), id)).toBe('advanced');
      expect(await stepBackfill(worker('two'), id)).toBe('taken');
      await expireLease();
      expect(await stepBackfill(worker('two'), id)).toBe('advanced');
      const halfway = await catalog.get('steps');
      expect(halfway.pending).toMatchObject({ state: 'counting' });
      expect(halfway.pending!.events).toBeGreaterThan(0);
      expect(halfway.pending!.progress).toBeGreaterThan(0);
      expect(halfway.pending!.progress).toBeLessThan(1);

      await expireLease();
      while ((await stepBackfill(worker('three'), id)) === 'advanced') await expireLease();
      const done = await catalog.get('steps');
      expect(done.pending).toBeUndefined();
      const rows = await queryMeter(database, await catalog.compiled('steps'), {
        from: undefined,
        to: undefined,
        windowSize: undefined,
        timeZone: 'UTC',
        subjects: undefined,
        filters: {},
        groupBy: ['subject'],
        customers: undefined,
      });
      expect(rows.map(({ subject, value }) => [subject, value])).toEqual([
        ['acme', '60'],
        ['globex', '60'],
      ]);
      expect(await standing()).toEqual({ usage: '60', has_access: false });
    });

    it('stores nothing twice when two replicas count the same page', async () => {
      const { id } = await catalog.create({ ...draft, slug: 'twice' });
      // Both hold what looks like a lease, as after a pause longer than it.
      const results = await Promise.all(
        Array.from({ length: 4 }, async (_, index) => {
          const own = worker(`replica-${index}`);
          for (;;) {
            await expireLease();
            if ((await stepBackfill(own, id)) === 'done') return true;
            if ((await catalog.get('twice')).pending === undefined) return true;
          }
        }),
      );
      expect(results).toEqual([true, true, true, true]);
      const { rows } = await opened.database.query<{ n: string }>(
        `SELECT sum(r.count) AS n FROM rollup r JOIN series s ON s.id = r.series_id JOIN meter m ON m.number = s.meter_number
         WHERE m.id = $1 AND s.level = 0`,
        [id],
      );
      expect(Number(rows[0]!.n)).toBe(120);
    });
  });
});

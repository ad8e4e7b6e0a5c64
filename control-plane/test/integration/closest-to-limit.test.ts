import { cloudEvent } from '../support/cloud-events';
import { entitleCustomer, entitleCustomers } from '../support/entitled-customer';
import { requestJson } from '../support/request-json';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';
import { waitUntil } from '../support/wait-until';

const hour = 3_600_000;

interface Page {
  items: {
    customerKey: string;
    feature: string;
    usage: string;
    allowance: string;
    share: number;
    perHour: string | null;
    exhaustedAt: string | null;
  }[];
  listed: number;
  totalCount: number;
}

describeOnEachStorage('closest to their limit', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;
  const from = Date.now() - 2 * hour;

  const use = (subject: string, count: number, at: number) =>
    app.request(
      'POST',
      '/api/v1/events',
      Array.from({ length: count }, () =>
        cloudEvent({ subject, type: 'requests', time: new Date(at).toISOString() }),
      ),
      { 'content-type': 'application/cloudevents-batch+json' },
    );
  const closest = (query = '') => requestJson<Page>(app, 'GET', `/api/v1/overview/closest-to-limit${query}`);

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
    const { database } = opened;
    for (const [subject, allowance] of [
      ['near', '100'],
      ['far', '1000'],
      ['over', '10'],
      ['idle', '50'],
    ] as const) {
      await entitleCustomer({ database, from, subject, allowance });
    }
    const recently = Date.now() - hour / 2;
    await use('near', 90, recently);
    await use('far', 90, recently);
    await use('over', 20, recently);
    await use('idle', 20, from + 60_000);
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  it('begins with the largest share, and leaves out what is used up unless asked', async () => {
    const { items, listed, totalCount } = await closest();
    expect(items.map(({ customerKey, usage, allowance }) => [customerKey, usage, allowance])).toEqual([
      ['near', '90', '100'],
      ['idle', '20', '50'],
      ['far', '90', '1000'],
    ]);
    expect([listed, totalCount, items[0]!.share]).toEqual([3, 3, 0.9]);
    const all = await closest('?withExhausted=true');
    expect(all.items.map(({ customerKey }) => customerKey)).toEqual(['over', 'near', 'idle', 'far']);
  });

  it('forecasts from the usage of the last hour', async () => {
    const { items } = await closest();
    const [near, idle] = items;
    // 90 within the last hour, of which whole minutes are looked at: 10 left last some seven minutes.
    expect(Number(near!.perHour)).toBeGreaterThanOrEqual(88);
    expect(Number(near!.perHour)).toBeLessThanOrEqual(93);
    const minutes = (Date.parse(near!.exhaustedAt!) - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(5);
    expect(minutes).toBeLessThan(8);
    expect(idle).toMatchObject({ perHour: '0', exhaustedAt: null });
  });

  it('is searched and paged', async () => {
    expect((await closest('?search=NEA')).items.map(({ customerKey }) => customerKey)).toEqual(['near']);
    expect((await closest('?feature=other')).items).toEqual([]);
    const second = await closest('?page=2&pageSize=1');
    expect(second.items.map(({ customerKey }) => customerKey)).toEqual(['idle']);
  });

  it('ends at a thousand and says how many there are', async () => {
    const subjects = Array.from({ length: 1_500 }, (_, index) => `crowd-${index}`);
    await entitleCustomers({ database: opened.database, from, subjects, allowance: '5' });
    expect((await closest('?search=crowd-1499')).items).toEqual([]);
    await opened.database.query(`UPDATE entitlement_standing SET usage = 1
      WHERE customer_id IN (SELECT id FROM customer WHERE key LIKE 'crowd-%')`);
    await waitUntil(
      'the list is read again',
      async () => (await closest('?search=crowd')).totalCount === 1_500,
    );
    const { listed, totalCount } = await closest('?search=crowd');
    expect([listed, totalCount]).toEqual([1_000, 1_500]);
    expect((await closest('?search=crowd&page=11&pageSize=100')).items).toEqual([]);
  });
});

import { ManualClock } from '../support/manual-clock';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

describeOnEachStorage('searching lists of what was defined', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;

  const call = async (method: string, path: string, body?: unknown) => {
    const response = await app.request(method, path, body);
    return { status: response.status, body: JSON.parse(await response.text()) };
  };

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database, { clock: new ManualClock('2026-03-01T00:00:00Z') });
    for (const [key, name] of [
      ['orders', 'Orders placed'],
      ['order_lines', 'Lines'],
      ['tokens', '50%_off tokens'],
    ]) {
      await call('POST', '/api/v1/meters', { slug: key, name, aggregation: 'COUNT', eventType: 'x' });
      await call('POST', '/api/v1/features', { key, name, meterSlug: key });
      await call('POST', '/api/v1/plans', {
        key,
        name,
        currency: 'USD',
        billingCadence: 'P1M',
        phases: [{ key: 'default', name: 'Default', duration: null, rateCards: [] }],
      });
    }
  });
  afterAll(async () => {
    await app.stop();
    await opened.drop();
  });

  const found = async (path: string, search: string): Promise<string[]> => {
    const query = `?page=1&pageSize=10&search=${encodeURIComponent(search)}`;
    const { status, body } = await call('GET', `${path}${query}`);
    expect(status).toBe(200);
    const items: { key?: string; slug?: string }[] = Array.isArray(body) ? body : body.items;
    if (!Array.isArray(body)) expect(body.totalCount).toBe(items.length);
    return items.map((item) => (item.slug ?? item.key)!).sort();
  };

  it.each(['/api/v1/meters', '/api/v1/features', '/api/v1/plans'])(
    '%s finds by a part of the key or the name, taking nothing for a pattern',
    async (path) => {
      expect(await found(path, 'ORDER')).toEqual(['order_lines', 'orders']);
      expect(await found(path, 'placed')).toEqual(['orders']);
      expect(await found(path, '%_')).toEqual(['tokens']);
      expect(await found(path, '%')).toEqual(['tokens']);
      expect(await found(path, 'nothing')).toEqual([]);
      expect(await found(path, '')).toEqual(['order_lines', 'orders', 'tokens']);
    },
  );

  it('refuses a text that is longer than any name', async () => {
    const { status, body } = await call('GET', `/api/v1/meters?search=${'x'.repeat(129)}`);
    expect(status).toBe(400);
    expect(body.extensions.validationErrors).toMatchObject([{ field: 'search' }]);
  });
});

import { runFuzz } from '../../../proof/fuzz/run-fuzz';
import { seededRandom, seedFrom } from '../../../proof/support/random';
import { describeOnEachStorage, type TestDatabase } from '../support/storages';
import { startTestApp, type TestApp } from '../support/test-app';

const requests = 1_500;

/** The short form of `npm run fuzz`. */
describeOnEachStorage('hostile requests to every route', (storage) => {
  let opened: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    opened = await storage.open();
    app = await startTestApp(opened.database);
  });
  afterAll(async () => {
    // Fails with answers that /openapi.json does not describe.
    await app.stop();
    await opened.drop();
  });

  it('are answered without a 5xx, tell no secret, and leave the count right', async () => {
    const random = seededRandom(seedFrom([]));
    process.stderr.write(`fuzz: SEED=${random.seed} repeats this run\n`);
    const report = await runFuzz({ url: app.url, token: app.token, random, requests, connections: 4 });
    expect(report.findings).toEqual([]);
    expect(report.canaries.sent).toBe(requests / 50);
    expect(report.routes).toBeGreaterThan(100);
  }, 120_000);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries } from '../../../benchmarks/support/own-postgres';
import { runChaos } from '../../../proof/chaos/run-chaos';
import { seedFrom } from '../../../proof/support/random';
import { hasRedisServer } from '../support/redis-server';

/** `npm run chaos` in short; it takes SEED to repeat a run. */
describe('everything is killed while events flow', () => {
  if (!findBinaries() && !process.env.REQUIRE_TEST_DATABASE) {
    process.stderr.write(
      'the short form of npm run chaos is left out: initdb and postgres are in no known folder\n',
    );
    it.skip('PostgreSQL is not installed', () => undefined);
    return;
  }

  it('and nothing is lost, counted twice, or told twice', async () => {
    if (!hasRedisServer && process.env.REQUIRE_TEST_REDIS) throw new Error('redis-server is not in the PATH');
    const directory = mkdtempSync(join(tmpdir(), 'tg-chaos-'));
    const seed = seedFrom([]);
    const report = await runChaos({
      seed,
      events: 20_000,
      kills: 4,
      consumers: 40,
      rate: 2_000,
      feedLimitMs: 180_000,
      settleLimitMs: 180_000,
      directory,
      say: (line) => process.stderr.write(`${line}\n`),
    });
    expect({ seed, findings: report.checks.flatMap(({ findings }) => findings) }).toEqual({
      seed,
      findings: [],
    });
    expect(report.kills).toBe(4);
    rmSync(directory, { recursive: true, force: true });
  }, 600_000);
});

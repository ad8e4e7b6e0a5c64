/**
 * Mutated requests over every route of every interface, and nothing may break: `npm run fuzz`.
 *
 * --requests=N (100,000), --seed=N repeats a run's requests. The control plane is a process of its own on a PostgreSQL of its
 * own. Fails on a 5xx, a broken connection, an end of the process, a lost or doubled count, or memory that keeps growing.
 * Loopback only: no address in any request is another machine's.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeMachine } from '../benchmarks/support/machine';
import { startPostgres } from '../benchmarks/support/postgres-server';
import { benchToken, startControlPlane } from '../benchmarks/support/service-process';
import { runFuzz } from './fuzz/run-fuzz';
import { seededRandom, seedFrom } from './support/random';
import { residentBytes } from './support/resident-bytes';

const connections = 16;
/** The middle of the run against its end: what is still being filled at first (caches, compiled code) is left out. */
const maximumGrowth = 1.15;

const requests = Number(process.argv.find((given) => given.startsWith('--requests='))?.slice(11) ?? 100_000);

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const main = async (): Promise<void> => {
  const random = seededRandom(seedFrom(process.argv));
  console.log(`seed ${random.seed}`);
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-fuzz-'));
  const postgres = await startPostgres(directory);
  const databaseUrl = await postgres.createDatabase('tollgate_fuzz');
  const service = await startControlPlane(directory, databaseUrl, {
    TOLLGATE_RATE_LIMIT_PER_SECOND: '0',
    TOLLGATE_LOG_LEVEL: 'info',
  });
  const memory: number[] = [];
  const sampleEvery = Math.max(1, Math.floor(requests / 200));
  const startedAt = performance.now();
  const report = await runFuzz({
    url: `http://127.0.0.1:${service.port}`,
    token: benchToken,
    random,
    requests,
    connections,
    onProgress: (done) => {
      if (done % sampleEvery === 0) memory.push(residentBytes(service.pid));
      if (done % (sampleEvery * 20) === 0)
        console.log(`${done} of ${requests} requests, ${mebibytes(memory)}`);
    },
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const half = median(memory.slice(memory.length * 0.4, memory.length * 0.6));
  const end = median(memory.slice(memory.length * 0.8));
  const growth = end / half;
  if (growth > maximumGrowth)
    report.findings.push(`memory grew by ${Math.round((growth - 1) * 100)} % in the second half`);
  await service.stop();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
  console.table(report.statuses);
  for (const finding of report.findings) console.log(`FAIL  ${finding}`);
  const { findings, ...figures } = report;
  console.log(
    `${report.findings.length === 0 ? 'nothing broke' : 'it broke'}; repeat with --seed=${report.seed}`,
  );
  console.log(
    JSON.stringify({
      proof: 'fuzz',
      machine: describeMachine(),
      ...figures,
      findings: findings.length,
      seconds: Math.round(seconds),
      memoryMiB: { middle: Math.round(half / 2 ** 20), end: Math.round(end / 2 ** 20) },
    }),
  );
  if (findings.length > 0) process.exitCode = 1;
};

const mebibytes = (memory: readonly number[]): string => `${Math.round((memory.at(-1) ?? 0) / 2 ** 20)} MiB`;

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error);
    process.exit(1);
  },
);

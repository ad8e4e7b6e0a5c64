/**
 * Everything is killed while events flow, and nothing may be lost, doubled or told twice: `npm run chaos`.
 *
 * --events=N (1,000,000), --kills=N (14), --rate=N events a second (5,000), --consumers=N (200), --seed=N repeats a run's
 * plan. Loopback only; servers, Redis and PostgreSQL are its own, in a temporary folder. Ends with status 1 when something
 * does not hold, and leaves the logs then.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeMachine } from '../benchmarks/support/machine';
import { runChaos } from './chaos/run-chaos';
import { seedFrom } from './support/random';

const argument = (name: string, otherwise: number): number => {
  const text = process.argv.find((given) => given.startsWith(`--${name}=`))?.slice(name.length + 3);
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1`);
  return value;
};

const main = async (): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), 'tg-chaos-'));
  const report = await runChaos({
    seed: seedFrom(process.argv),
    events: argument('events', 1_000_000),
    kills: argument('kills', 14),
    consumers: argument('consumers', 200),
    rate: argument('rate', 5_000),
    feedLimitMs: 1_800_000,
    settleLimitMs: 180_000,
    directory,
    say: (line) => console.log(line),
  });
  for (const { name, findings, detail } of report.checks) {
    console.log(`${findings.length === 0 ? 'ok  ' : 'FAIL'}  ${name} (${detail})`);
    for (const finding of findings.slice(0, 20)) console.log(`        ${finding}`);
  }
  const holds = report.checks.every(({ findings }) => findings.length === 0);
  console.log(
    `${report.kills} kills, ${report.repeats} requests told again; settled ${report.settledAfterSeconds.toFixed(1)} s after the last event; ${report.seconds.toFixed(0)} s in all; repeat with --seed=${report.seed}`,
  );
  console.log(JSON.stringify({ proof: 'chaos', machine: describeMachine(), holds, ...report }));
  if (holds) rmSync(directory, { recursive: true, force: true });
  else {
    console.log(`the logs are in ${directory}`);
    process.exitCode = 1;
  }
};

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error);
    process.exit(1);
  },
);

/**
 * Whether anything grows: `npm run soak -- --minutes 20`. A control plane on a PostgreSQL of its own counts 2,000 events a
 * second; customers cross thresholds all the while, which sends webhooks and takes consumers out of their group. Resident
 * memory, the p99 of each ten seconds and the depth of the outboxes are sampled; a line through each must be flat. Ends with
 * status 1 when one is not. --rate=N events a second. Loopback only.
 */

import { describeMachine } from '../benchmarks/support/machine';
import { startPostgres } from '../benchmarks/support/postgres-server';
import { benchToken, startControlPlane } from '../benchmarks/support/service-process';
import { temporaryDirectory } from '../benchmarks/support/temporary-directory';
import { startWebhookReceiver } from '../control-plane/test/support/webhook-receiver';
import { controlPlaneClient } from '../demo/control-plane-client';
import { startStandInGateway } from '../stand-in-gateway/src/index';
import { type ChaosConsumer, kongConfiguration, setUp } from './chaos/set-up';
import { isFlat, type Sample, type Tolerance, trendOf } from './soak/judge-trend';
import { startPacedLoad } from './support/paced-load';
import { residentBytes } from './support/resident-bytes';

const sampleEveryMs = 10_000;
const eventsPerRequest = 10;
const consumerCount = 500;
/** Code is compiled and caches are filled in the first part, which is not judged. */
const warmUpShare = 0.2;

const numberOf = (name: string, otherwise: number): number => {
  const index = process.argv.findIndex(
    (argument) => argument === `--${name}` || argument.startsWith(`--${name}=`),
  );
  if (index < 0) return otherwise;
  const given = process.argv[index]!;
  const value = Number(given.includes('=') ? given.split('=')[1] : process.argv[index + 1]);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0`);
  return value;
};

const minutes = numberOf('minutes', 20);
const rate = numberOf('rate', 2_000);

/** What is judged, and what counts as flat; the least is what samples of a steady process differ by anyway. */
const tolerances: Record<string, Tolerance> = {
  'resident MiB': { shareOfMean: 0.1, least: 16 },
  'p99 ms': { shareOfMean: 0.5, least: 10 },
  'outbox depth': { shareOfMean: 0.5, least: 20 },
};

/** Allowances differ, so that somebody crosses a line at any time of the run. */
const consumers: ChaosConsumer[] = Array.from({ length: consumerCount }, (_, index) => {
  const events = (rate * minutes * 60) / consumerCount;
  return {
    name: `consumer-${String(index).padStart(4, '0')}`,
    allowance: Math.max(1, Math.round(events * (0.1 + (1.9 * index) / consumerCount))),
    events,
  };
});

const bodyOf = (number: number): string => {
  const time = new Date().toISOString();
  const events = Array.from({ length: eventsPerRequest }, (_, index) => {
    const sequence = number * eventsPerRequest + index;
    return (
      `{"specversion":"1.0","id":"soak-${sequence}","source":"soak","type":"kong.api_request",` +
      `"subject":"${consumers[sequence % consumerCount]!.name}","time":"${time}","data":{"route_name":"orders-v1"}}`
    );
  });
  return `[${events.join(',')}]`;
};

const depthOf = async (url: string): Promise<number> => {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${benchToken}` } });
  const text = await response.text();
  return [...text.matchAll(/^tollgate_outbox_depth\{[^}]*\} (\S+)$/gm)].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
};

const main = async (): Promise<void> => {
  const { directory, remove } = temporaryDirectory();
  const postgres = await startPostgres(directory);
  const receiver = await startWebhookReceiver();
  const gateway = await startStandInGateway({ config: kongConfiguration(consumers), mode: 'postgres' });
  try {
    const service = await startControlPlane(directory, await postgres.createDatabase('tollgate_soak'), {
      TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS: 'true',
      TOLLGATE_LOG_LEVEL: 'info',
    });
    const url = `http://127.0.0.1:${service.port}`;
    await setUp(controlPlaneClient(url, benchToken), consumers, {
      adminUrl: gateway.adminUrl,
      webhookUrl: `${receiver.url}/soak`,
    });
    const samples: Record<string, Sample[]> = { 'resident MiB': [], 'p99 ms': [], 'outbox depth': [] };
    let times: number[] = [];
    const failures = new Map<number, number>();
    const begun = performance.now();
    const load = startPacedLoad({
      url,
      token: benchToken,
      requestsPerSecond: rate / eventsPerRequest,
      bodyOf,
      onAnswer: (_, status, ms) => {
        times.push(ms);
        if (status !== 204) failures.set(status, (failures.get(status) ?? 0) + 1);
      },
    });
    while (performance.now() - begun < minutes * 60_000) {
      await new Promise((resolve) => setTimeout(resolve, sampleEveryMs));
      const minute = (performance.now() - begun) / 60_000;
      const sorted = times.sort((a, b) => a - b);
      times = [];
      const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
      const resident = residentBytes(service.pid) / 2 ** 20;
      const depth = await depthOf(url);
      samples['resident MiB']!.push({ minute, value: resident });
      samples['p99 ms']!.push({ minute, value: p99 });
      samples['outbox depth']!.push({ minute, value: depth });
      console.log(
        `${minute.toFixed(1).padStart(5)} min  ${resident.toFixed(0).padStart(4)} MiB  p99 ${p99.toFixed(1).padStart(6)} ms  ${String(depth).padStart(4)} in the outboxes  ${receiver.received.length} webhooks`,
      );
    }
    const sent = await load.stop();
    await service.stop();
    const table = Object.fromEntries(
      Object.entries(samples).map(([name, all]) => {
        const judged = all.slice(Math.floor(all.length * warmUpShare));
        const trend = trendOf(judged);
        const tolerance = tolerances[name]!;
        return [
          name,
          {
            mean: Number(trend.mean.toFixed(1)),
            'slope an hour': Number(trend.slopePerHour.toFixed(1)),
            'rise over the run': Number(trend.rise.toFixed(1)),
            'may rise by': Number(Math.max(tolerance.least, trend.mean * tolerance.shareOfMean).toFixed(1)),
            flat: isFlat(trend, tolerance),
          },
        ];
      }),
    );
    console.table(table);
    const events = sent * eventsPerRequest;
    const failed = Object.fromEntries(failures);
    console.log(
      `${events} events in ${minutes} minutes (${Math.round(events / minutes / 60)} a second), ${receiver.received.length} webhooks, not answered 204: ${JSON.stringify(failed)}`,
    );
    const holds = Object.values(table).every(({ flat }) => flat) && failures.size === 0;
    console.log(
      JSON.stringify({
        proof: 'soak',
        machine: describeMachine(),
        holds,
        minutes,
        rate,
        events,
        failed,
        trends: table,
      }),
    );
    process.exitCode = holds ? 0 : 1;
  } finally {
    await gateway.close();
    await receiver.close();
    await postgres.stop();
    remove();
  }
};

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error);
    process.exit(1);
  },
);

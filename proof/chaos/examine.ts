import type { Database } from '../../control-plane/src/storage';
import { openNodePostgres } from '../../control-plane/src/storage/postgres/node-postgres';
import type { ReceivedWebhook } from '../../control-plane/test/support/webhook-receiver';
import type { ControlPlaneClient } from '../../demo/control-plane-client';
import { type ChaosConsumer, group, meterSlug, thresholdPercents } from './set-up';

/** One line of the verdict: what has to hold, and what does not. Empty findings mean that it holds. */
export interface Check {
  name: string;
  findings: string[];
  detail: string;
}

/** What the meter says of each consumer, asked of one control plane. */
export const meteredCounts = async (client: ControlPlaneClient): Promise<Map<string, number>> => {
  const { data } = await client.get<{ data: { subject: string | null; value: number }[] }>(
    `/api/v1/meters/${meterSlug}/query?groupBy=subject`,
  );
  const counts = new Map<string, number>();
  for (const { subject, value } of data) counts.set(subject ?? '', (counts.get(subject ?? '') ?? 0) + value);
  return counts;
};

export const checkCounts = (
  consumers: readonly ChaosConsumer[],
  metered: ReadonlyMap<string, number>,
): Check => ({
  name: 'the count of every consumer is exact',
  findings: consumers
    .filter(({ name, events }) => (metered.get(name) ?? 0) !== events)
    .map(({ name, events }) => `${name}: ${metered.get(name) ?? 0} metered, ${events} acknowledged`),
  detail: `${consumers.length} consumers, ${[...metered.values()].reduce((sum, value) => sum + value, 0)} metered`,
});

/** Crossings that the run must have caused: "consumer percent". */
const expectedCrossings = (consumers: readonly ChaosConsumer[]): string[] =>
  consumers.flatMap(({ name, allowance, events }) =>
    thresholdPercents
      .filter((percent) => events * 100 >= percent * allowance)
      .map((percent) => `${name} ${percent}`),
  );

/** Every crossing under exactly one id; a webhook whose answer was lost in a kill comes again under the same one. */
export const checkCrossings = (
  consumers: readonly ChaosConsumer[],
  received: readonly ReceivedWebhook[],
): Check => {
  const ids = new Map<string, Set<string>>();
  for (const { body, headers } of received) {
    const data = body.data as unknown as { subject: { key: string }; threshold: { value: number } };
    const crossing = `${data.subject.key} ${data.threshold.value}`;
    ids.set(crossing, (ids.get(crossing) ?? new Set()).add(String(headers['webhook-id'])));
  }
  const expected = expectedCrossings(consumers);
  const known = new Set(expected);
  return {
    name: 'every crossing is told once',
    findings: [
      ...expected.filter((crossing) => !ids.has(crossing)).map((crossing) => `${crossing} %: not told`),
      ...[...ids]
        .filter(([, seen]) => seen.size > 1)
        .map(([crossing, seen]) => `${crossing} %: told under ${seen.size} ids`),
      ...[...ids.keys()]
        .filter((crossing) => !known.has(crossing))
        .map((crossing) => `${crossing} %: did not happen`),
    ],
    detail: `${expected.length} crossings, ${received.length - ids.size} repeats under the same id`,
  };
};

/** Who has used everything up is out of the group, everybody else is in it: read from Kong. */
export const checkGroups = async (consumers: readonly ChaosConsumer[], adminUrl: string): Promise<Check> => {
  const findings: string[] = [];
  let out = 0;
  for (const { name, allowance, events } of consumers) {
    const response = await fetch(`${adminUrl}/consumers/${name}/acls`);
    const { data } = (await response.json()) as { data: { group: string }[] };
    const isIn = data.some((membership) => membership.group === group);
    const shouldBeIn = events < allowance;
    if (!shouldBeIn) out += 1;
    if (isIn !== shouldBeIn) findings.push(`${name}: ${isIn ? 'in' : 'out'}, ${events} of ${allowance} used`);
  }
  return {
    name: 'every consumer is in the right group',
    findings,
    detail: `${out} out of ${consumers.length} are out`,
  };
};

/** The raw events, the running usage and the outboxes, read from the tables. */
export const checkTables = async (url: string, expected: number): Promise<Check> => {
  const database = openNodePostgres({ connectionString: url, maximumConnections: 1 });
  try {
    const events = await storedEvents(database);
    const { rows } = await database.query<{ usage: string; deliveries: number; changes: number }>(
      `SELECT (SELECT coalesce(sum(usage), 0) FROM entitlement_standing) AS usage,
         (SELECT count(*) FROM notification_delivery WHERE due_at IS NOT NULL) AS deliveries,
         (SELECT count(*) FROM access_state WHERE due_at IS NOT NULL) AS changes`,
    );
    const { usage, deliveries, changes } = rows[0]!;
    const findings = [
      ...(events === expected ? [] : [`${events} events are stored, ${expected} were acknowledged`]),
      ...(Number(usage) === expected ? [] : [`the running usage adds up to ${usage}`]),
      ...(deliveries === 0 ? [] : [`${deliveries} deliveries still wait`]),
      ...(changes === 0 ? [] : [`${changes} access changes still wait`]),
    ];
    return { name: 'events, running usage and outboxes agree', findings, detail: `${events} events stored` };
  } finally {
    await database.close();
  }
};

/** Raw events stand in a table a week. */
export const storedEvents = async (database: Database): Promise<number> => {
  const weeks = await database.query<{ week: number }>('SELECT week FROM event_week ORDER BY week');
  let events = 0;
  for (const { week } of weeks.rows) {
    const { rows } = await database.query<{ count: number }>(`SELECT count(*) AS count FROM event_${week}`);
    events += rows[0]!.count;
  }
  return events;
};

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { parse } from 'yaml';
import { Measurements } from '../../../plugin/src/observability/measurements';
import { createMetrics } from '../../src/observability/metrics';

const examples = join(__dirname, '../../../examples');
const read = (path: string): string => readFileSync(join(examples, path), 'utf8');

/** Every series name that the control plane and the plugin server serve. */
const servedNames = async (): Promise<Set<string>> => {
  const control = createMetrics({ now: () => 0, queuedEvents: () => 0, backlogs: {} }).registry;
  const names = new Set<string>();
  for (const registry of [control, new Measurements(() => []).registry] as Registry[]) {
    for (const { name, type } of await registry.getMetricsAsJSON()) {
      names.add(name);
      if (String(type) === 'histogram') {
        for (const part of ['bucket', 'sum', 'count']) names.add(`${name}_${part}`);
      }
    }
  }
  return names;
};

interface Rule {
  alert: string;
  expr: string;
  annotations: { summary?: string; action?: string };
}

const alerts = (): Rule[] =>
  (parse(read('prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
    ({ rules }) => rules,
  );

const dashboardExpressions = (): string[] =>
  (JSON.parse(read('grafana/tollgate.json')) as { panels: { targets: { expr: string }[] }[] }).panels.flatMap(
    ({ targets }) => targets.map(({ expr }) => expr),
  );

const namesIn = (expression: string): string[] => expression.match(/\btollgate_\w+/g) ?? [];

describe('the examples for watching', () => {
  it('ask only for metrics that are served', async () => {
    const served = await servedNames();
    const asked = [...alerts().map(({ expr }) => expr), ...dashboardExpressions()].flatMap(namesIn);
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((name) => !served.has(name))).toEqual([]);
  });

  it('group only by labels that the metrics have', async () => {
    const source = readFileSync(join(__dirname, '../../src/observability/metrics.ts'), 'utf8');
    const grouped = dashboardExpressions()
      .flatMap((expression) =>
        [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/, */)),
      )
      .filter((label) => label !== 'le');
    expect(new Set(grouped).size).toBeGreaterThan(4);
    for (const label of grouped) expect(source).toContain(`'${label}'`);
  });

  it('say with every alert what happened and what to do', () => {
    expect(alerts().length).toBeGreaterThan(5);
    for (const { alert, annotations } of alerts()) {
      expect([alert, annotations.summary]).toEqual([alert, expect.stringMatching(/\.$/)]);
      expect([alert, annotations.action]).toEqual([alert, expect.stringMatching(/\S/)]);
    }
  });

  it('scrape with a token, and load the alert rules beside them', () => {
    const configuration = parse(read('prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string; authorization?: { credentials_file: string } }[];
      rule_files: string[];
    };
    expect(configuration.scrape_configs[0]).toMatchObject({
      job_name: 'tollgate',
      authorization: { credentials_file: expect.any(String) },
    });
    for (const file of configuration.rule_files) expect(read(`prometheus/${file}`)).toContain('groups:');
  });

  it('have every metric of the control plane explained in the documentation', async () => {
    const documentation = readFileSync(join(examples, '../docs/operations.md'), 'utf8');
    const metrics = createMetrics({ now: () => 0, queuedEvents: () => 0, backlogs: {} });
    for (const { name } of await metrics.registry.getMetricsAsJSON()) {
      if (name.startsWith('tollgate_')) expect(documentation).toContain(`\`${name}`);
    }
  });
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { PluginInfo } from '../../src/schema/plugin-catalog';

/** Text of a recording of a real Kong. */
export function fixture(name: string): string {
  return readFileSync(path.join(__dirname, '../fixtures', name), 'utf8');
}

export function jsonFixture<T>(name: string): T {
  return JSON.parse(fixture(name)) as T;
}

/** What the query command of the recorded plugin `meter` or `guard` printed. */
export function recordedPluginInfo(name: 'meter' | 'guard'): PluginInfo[] {
  return jsonFixture(`${name}.info.json`);
}

/** The recorded kong.yml with other ports for its upstreams. */
export function recordedConfig(ports: { upstream: number; closed: number }): string {
  return fixture('kong.yml')
    .replaceAll(':9901', `:${ports.upstream}`)
    .replaceAll(':9999', `:${ports.closed}`);
}

import type { ApiClient } from '../../client/api-client';
import { readConfiguration } from '../../config/configuration';
import { exitStatus } from '../exit-status';
import type { Terminal } from '../terminal';
import { checkDatabase } from './check-database';
import { checkPlugin, type PluginAddress } from './check-plugin';
import { checkGateways, checkServer } from './check-server';
import { type Finding, failed, reasonOf } from './finding';

const marks = { ok: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const;

/** `tollgate doctor`: looks at every part that this machine can see, and says how to mend what is broken. */
export const doctor = async (
  client: ApiClient,
  plugin: PluginAddress,
  terminal: Terminal,
): Promise<number> => {
  const configuration = readConfiguration(terminal.environment);
  const groups = await Promise.all([
    checkDatabase(configuration, terminal.now),
    checkServerAndGateways(client, terminal.now),
    checkPlugin(plugin),
  ]);
  const findings = groups.flat();
  for (const { check, status, detail, remedy } of findings) {
    terminal.out.write(`${marks[status]}  ${check}: ${detail}\n`);
    if (remedy) terminal.out.write(`      -> ${remedy}\n`);
  }
  const broken = findings.filter(({ status }) => status === 'failed').length;
  terminal.out.write(broken === 0 ? 'nothing is broken\n' : `${broken} broken\n`);
  return broken === 0 ? exitStatus.done : exitStatus.failed;
};

const checkServerAndGateways = async (client: ApiClient, now: () => number): Promise<Finding[]> => {
  const findings = await checkServer(client, now);
  if (findings.some(({ check, status }) => status === 'failed' && /^(server|token)$/.test(check))) {
    return findings;
  }
  const gateways = await checkGateways(client).catch((error: unknown) => [
    failed('gateways', reasonOf(error), 'see the server log under the request id'),
  ]);
  return [...findings, ...gateways];
};

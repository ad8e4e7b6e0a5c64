import { parseArgs } from 'node:util';
import { GatewayConfigError, type StandInGatewayOptions, startStandInGateway } from './index';

const usage = `usage: stand-in-gateway --config kong.yml [--mode dbless|postgres] [--edition oss|enterprise]
  [--proxy-port N] [--admin-port N] [--plugin-socket PATH --plugin-info FILE]`;

/** Exit status for wrong usage and for a configuration that cannot be loaded. */
const EXIT_USAGE = 2;

function parseOptions(args: readonly string[]): StandInGatewayOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      mode: { type: 'string', default: 'dbless' },
      edition: { type: 'string', default: 'oss' },
      'proxy-port': { type: 'string', default: '0' },
      'admin-port': { type: 'string', default: '0' },
      'plugin-socket': { type: 'string' },
      'plugin-info': { type: 'string' },
    },
  });
  if (values.config === undefined) throw new GatewayConfigError(`--config is missing\n${usage}`);
  const socketPath = values['plugin-socket'];
  const info = values['plugin-info'];
  if ((socketPath === undefined) !== (info === undefined)) {
    throw new GatewayConfigError('--plugin-socket and --plugin-info go together');
  }
  return {
    configPath: values.config,
    mode: oneOf('--mode', values.mode, ['dbless', 'postgres'] as const),
    edition: oneOf('--edition', values.edition, ['oss', 'enterprise'] as const),
    proxyPort: port('--proxy-port', values['proxy-port']),
    adminPort: port('--admin-port', values['admin-port']),
    ...(socketPath !== undefined && info !== undefined ? { pluginServers: [{ socketPath, info }] } : {}),
    log: (level, parts) => console.error(level, ...parts),
  };
}

function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined)
    throw new GatewayConfigError(`${flag}: ${value}; give one of ${allowed.join(', ')}`);
  return found;
}

function port(flag: string, value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 65535) {
    throw new GatewayConfigError(`${flag}: ${value}; give a port number, or 0 for a free port`);
  }
  return number;
}

/** True for what the user can put right: told in one line, without a stack. */
function isUserMistake(error: unknown): error is Error {
  const code = (error as { code?: string }).code ?? '';
  return error instanceof GatewayConfigError || code.startsWith('ERR_PARSE_ARGS') || code === 'EADDRINUSE';
}

async function main(): Promise<void> {
  try {
    const gateway = await startStandInGateway(parseOptions(process.argv.slice(2)));
    const stop = (): void => void gateway.close().then(() => process.exit(0));
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    console.log(JSON.stringify({ proxyUrl: gateway.proxyUrl, adminUrl: gateway.adminUrl }));
  } catch (error) {
    if (!isUserMistake(error)) throw error;
    console.error(error.message);
    process.exitCode = EXIT_USAGE;
  }
}

void main();

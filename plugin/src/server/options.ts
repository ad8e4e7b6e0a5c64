import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type FsyncPolicy, fsyncPolicies } from '../configuration/configuration';

/** A command line or environment that the server cannot start with; one line a mistake. */
export class OptionsError extends Error {
  readonly code = 'options_invalid';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'OptionsError';
  }
}

export interface ServerOptions {
  readonly socket: string | undefined;
  readonly dumpInfo: string | undefined;
  readonly pluginsDirectory: string | undefined;
  readonly journal: string | undefined;
  readonly journalMaxBytes: number | undefined;
  readonly fsync: FsyncPolicy | undefined;
  readonly host: string;
  readonly port: number;
  readonly processes: number;
  readonly drainMs: number;
  readonly source: string | undefined;
  readonly replay: { readonly endpoint: string; readonly apiToken: string } | undefined;
  readonly isHelp: boolean;
}

interface OptionRule {
  readonly value: string;
  readonly env: string;
  readonly doc: string;
}

/** Every option: command-line name, environment name, what it does. The command line wins. */
export const optionRules = {
  socket: { value: 'PATH', env: 'TOLLGATE_SOCKET', doc: 'unix socket that Kong connects to' },
  'dump-info': {
    value: 'FILE',
    env: 'TOLLGATE_DUMP_INFO',
    doc: 'write what the query command must print, before listening',
  },
  'plugins-directory': {
    value: 'DIR',
    env: 'TOLLGATE_PLUGINS_DIRECTORY',
    doc: 'folder of compiled plugins (default: Tollgate alone)',
  },
  journal: {
    value: 'DIR',
    env: 'TOLLGATE_JOURNAL',
    doc: "journal folder (default: the plugin configuration's)",
  },
  'journal-max-bytes': {
    value: 'BYTES',
    env: 'TOLLGATE_JOURNAL_MAX_BYTES',
    doc: 'bytes of journal per process and endpoint',
  },
  fsync: { value: 'POLICY', env: 'TOLLGATE_FSYNC', doc: 'never, interval or always' },
  host: {
    value: 'HOST',
    env: 'TOLLGATE_HEALTH_HOST',
    doc: 'address of /healthz and /metrics (default 127.0.0.1)',
  },
  port: {
    value: 'PORT',
    env: 'TOLLGATE_HEALTH_PORT',
    doc: 'port of /healthz and /metrics (default 8187, 0 takes a free one)',
  },
  processes: {
    value: 'COUNT',
    env: 'TOLLGATE_PROCESSES',
    doc: 'processes that share the socket (default 1)',
  },
  'drain-ms': {
    value: 'MS',
    env: 'TOLLGATE_DRAIN_MS',
    doc: 'how long SIGTERM waits for deliveries (default 5000)',
  },
  source: {
    value: 'TEXT',
    env: 'TOLLGATE_SOURCE',
    doc: 'CloudEvents source (default kong-gateway/<host name>)',
  },
} as const satisfies Record<string, OptionRule>;

type Values = Partial<Record<keyof typeof optionRules, string>>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Reads command line and environment. Throws OptionsError with every mistake at once. */
export function parseOptions(args: readonly string[], environment: Environment): ServerOptions {
  const problems: string[] = [];
  const { values, isHelp } = readValues(args, environment, problems);
  const whole = (name: keyof typeof optionRules, byDefault: number, max: number, min = 0): number => {
    const text = values[name];
    if (text === undefined) return byDefault;
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    problems.push(
      `--${name} (${optionRules[name].env}) must be a whole number from ${min} to ${max}, not '${text}'`,
    );
    return byDefault;
  };
  const options: ServerOptions = {
    socket: absolute(values.socket),
    dumpInfo: absolute(values['dump-info']),
    pluginsDirectory: absolute(values['plugins-directory']),
    journal: absolute(values.journal),
    journalMaxBytes:
      values['journal-max-bytes'] === undefined ? undefined : whole('journal-max-bytes', 0, 2 ** 50, 65_536),
    fsync: fsyncPolicies.find((policy) => policy === values.fsync),
    host: values.host ?? '127.0.0.1',
    port: whole('port', 8187, 65_535),
    processes: whole('processes', 1, 64, 1),
    drainMs: whole('drain-ms', 5_000, 600_000),
    source: values.source,
    replay: readReplay(environment, problems),
    isHelp,
  };
  if (values.fsync !== undefined && !options.fsync)
    problems.push(`--fsync must be one of ${fsyncPolicies.join(', ')}`);
  if (!isHelp && !options.socket && !options.dumpInfo)
    problems.push('--socket PATH is required (or --dump-info FILE alone)');
  if (problems.length > 0) throw new OptionsError(problems);
  return options;
}

const absolute = (path: string | undefined): string | undefined =>
  path === undefined ? undefined : resolve(path);

function readValues(
  args: readonly string[],
  environment: Environment,
  problems: string[],
): { values: Values; isHelp: boolean } {
  const names = Object.keys(optionRules) as (keyof typeof optionRules)[];
  const fromEnvironment = names.flatMap((name) => {
    const value = environment[optionRules[name].env];
    return value ? [[name, value] as const] : [];
  });
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
        help: { type: 'boolean', short: 'h' },
      },
      strict: true,
    });
    const { help, ...given } = values as Values & { help?: boolean };
    return { values: { ...Object.fromEntries(fromEnvironment), ...given }, isHelp: help === true };
  } catch (error) {
    problems.push((error as Error).message);
    return { values: {}, isHelp: false };
  }
}

/** Lets a restarted server deliver what the last run left before Kong has told it any configuration. */
function readReplay(environment: Environment, problems: string[]): ServerOptions['replay'] {
  const endpoint = environment.TOLLGATE_INGEST_ENDPOINT;
  const file = environment.TOLLGATE_API_TOKEN_FILE;
  let apiToken = environment.TOLLGATE_API_TOKEN;
  if (!endpoint) return undefined;
  if (file) {
    try {
      apiToken = readFileSync(file, 'utf8').trim();
    } catch (error) {
      problems.push(`TOLLGATE_API_TOKEN_FILE cannot be read: ${(error as Error).message}`);
      return undefined;
    }
  }
  if (apiToken) return { endpoint, apiToken };
  problems.push('TOLLGATE_INGEST_ENDPOINT needs TOLLGATE_API_TOKEN or TOLLGATE_API_TOKEN_FILE beside it');
  return undefined;
}

export function usage(): string {
  const lines = Object.entries(optionRules).map(
    ([name, { value, env, doc }]) => `  ${`--${name} ${value}`.padEnd(28)}${doc} [${env}]`,
  );
  return [
    'tollgate-plugin-server: runs the Tollgate plugin beside a stock Kong Gateway',
    ...lines,
    '  TOLLGATE_INGEST_ENDPOINT with TOLLGATE_API_TOKEN or TOLLGATE_API_TOKEN_FILE: deliver what the last run left at once',
    '',
  ].join('\n');
}

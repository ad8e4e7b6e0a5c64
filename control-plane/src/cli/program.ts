import { Command, CommanderError, Option } from 'commander';
import { ConfigurationError } from '../config/configuration';
import { DeclarationError } from '../config/declaration/mistakes';
import { type AuditOptions, audit } from './audit';
import { printConfiguration } from './config-command';
import { type ConnectionOptions, connect } from './connection';
import { apply, type DeclarationOptions, diff, dump } from './declaration-commands';
import { doctor } from './doctor/doctor';
import { CommandFailure, exitStatus } from './exit-status';
import { type ExportOptions, exportEvents } from './export-events';
import { exportRollups, type RollupOptions } from './export-rollups';
import { migrateCommand } from './migrate-command';
import { replay } from './replay';
import { serve } from './serve';
import type { Terminal } from './terminal';
import { createToken, listTokens, revokeToken } from './token-commands';

/** A command's status; undefined for one that goes on running. */
type Status = number | undefined;

/**
 * Runs the command line `tollgate <arguments>`; without a command it serves.
 * @returns the exit status, or undefined while the server runs
 */
export const runProgram = async (given: readonly string[], terminal: Terminal): Promise<Status> => {
  let status: Status = exitStatus.done;
  const program = createProgram(terminal, (next) => {
    status = next;
  });
  try {
    await program.parseAsync(['node', 'tollgate', ...given]);
    return status;
  } catch (error) {
    return report(error, terminal);
  }
};

/** Says what went wrong in one or a few lines, and how bad it is. */
const report = (error: unknown, terminal: Terminal): number => {
  // Commander has written its own message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.mistaken;
  const message = error instanceof Error ? error.message : String(error);
  terminal.error.write(error instanceof DeclarationError ? `${message}\n` : `tollgate: ${message}\n`);
  if (error instanceof CommandFailure) return error.status;
  if (error instanceof ConfigurationError || error instanceof DeclarationError) return exitStatus.mistaken;
  return exitStatus.failed;
};

const createProgram = (terminal: Terminal, end: (status: Status) => void): Command => {
  const program = new Command('tollgate')
    .description('Usage metering with automatic cut-off for every Kong Gateway.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.out.write(text),
      writeErr: (text) => void terminal.error.write(text),
    });
  program
    .command('serve', { isDefault: true })
    .description('run the control plane')
    .action(async () => {
      await serve(terminal.environment);
      end(undefined);
    });
  program
    .command('migrate')
    .description('bring the database to this version')
    .option('--check', 'only say what is pending; exits 2 when something is', false)
    .action(async ({ check }: { check: boolean }) => end(await migrateCommand(check, terminal)));
  program
    .command('config')
    .description('the configuration in force, secrets masked')
    .option('--print', 'print it (the default)')
    .action(() => end(printConfiguration(terminal)));
  addDeclarationCommands(program, terminal, end);
  addTokenCommands(program, terminal, end);
  addInspectionCommands(program, terminal, end);
  addTransferCommands(program, terminal, end);
  return program;
};

const withConnection = (command: Command): Command =>
  command
    .option('--url <url>', 'base URL of the server (or TOLLGATE_URL)')
    .option('--token-file <file>', 'file with the API token (or TOLLGATE_API_TOKEN)');

const collect = (value: string, before: string[]): string[] => [...before, value];

const addDeclarationCommands = (
  program: Command,
  terminal: Terminal,
  end: (status: Status) => void,
): void => {
  const commands = [
    ['apply', 'make the server have what a file declares', apply],
    ['diff', 'what apply would change; exits 2 when there is something', diff],
  ] as const;
  for (const [name, description, run] of commands) {
    withConnection(program.command(name).description(description))
      .option('-f, --file <file>', 'the file, - for standard input', 'tollgate.yml')
      .option('--prune', 'remove what the file does not declare', false)
      .option('--select <section[/name]>', 'only these; may be repeated', collect, [])
      .action(async (options: DeclarationOptions & ConnectionOptions) => {
        end(await run(connect(options, terminal.environment), options, terminal));
      });
  }
  withConnection(program.command('dump').description('what the server has, as a file for apply')).action(
    async (options: ConnectionOptions) => end(await dump(connect(options, terminal.environment), terminal)),
  );
};

const addTokenCommands = (program: Command, terminal: Terminal, end: (status: Status) => void): void => {
  const token = program.command('token').description('API tokens').exitOverride();
  withConnection(token.command('create <name>').description('make a token and print it once'))
    .addOption(
      new Option('--scope <scope...>', 'what it may do')
        .choices(['ingest', 'read', 'manage'])
        .makeOptionMandatory(),
    )
    .option('--expires-at <instant>', 'ISO 8601 instant from which it is refused')
    .action(async (name: string, options: ConnectionOptions & { scope: string[]; expiresAt?: string }) => {
      const { scope: scopes, expiresAt } = options;
      const given = { name, scopes, ...(expiresAt === undefined ? {} : { expiresAt }) };
      end(await createToken(connect(options, terminal.environment), given, terminal));
    });
  withConnection(token.command('list').description('tokens in force')).action(
    async (options: ConnectionOptions) =>
      end(await listTokens(connect(options, terminal.environment), terminal)),
  );
  withConnection(token.command('revoke <id>').description('refuse a token from now on')).action(
    async (id: string, options: ConnectionOptions) =>
      end(await revokeToken(connect(options, terminal.environment), id, terminal)),
  );
};

const addInspectionCommands = (program: Command, terminal: Terminal, end: (status: Status) => void): void => {
  withConnection(program.command('doctor').description('look for what is broken and say how to mend it'))
    .option('--plugin-socket <path>', "the plugin server's unix socket")
    .option('--plugin-url <url>', "base URL of the plugin server's health endpoint")
    .action(async (options: ConnectionOptions & { pluginSocket?: string; pluginUrl?: string }) => {
      const { pluginSocket: socket, pluginUrl: url } = options;
      const plugin = { ...(socket ? { socket } : {}), ...(url ? { url } : {}) };
      end(await doctor(connect(options, terminal.environment, 'none'), plugin, terminal));
    });
  withConnection(program.command('audit').description("metered requests against Kong's own counters"))
    .requiredOption('--metrics-url <url...>', "Kong's Prometheus endpoint, one a node")
    .option('--meter <slug>', 'a COUNT meter of requests', 'api_requests')
    .option('--state <file>', 'keeps the counters, so that the next audit compares what came since')
    .option('--codes <range>', 'only these statuses, such as 200-399')
    .addOption(
      new Option('--source <source>', 'only answers of the upstream or of Kong').choices(['service', 'kong']),
    )
    .action(async (options: AuditOptions & ConnectionOptions) =>
      end(await audit(connect(options, terminal.environment), options, terminal)),
    );
};

const addTransferCommands = (program: Command, terminal: Terminal, end: (status: Status) => void): void => {
  const exports = program.command('export').description('into a file, resumable');
  const withFile = (command: Command): Command =>
    withConnection(command)
      .requiredOption('-o, --out <file>', 'the file to write')
      .addOption(new Option('--format <format>').choices(['ndjson', 'csv']).default('ndjson'))
      .option('--from <instant>', 'ISO 8601, inclusive')
      .option('--to <instant>', 'ISO 8601, exclusive');
  withFile(exports.command('events').description('stored events, the latest first')).action(
    async (options: ExportOptions & ConnectionOptions) =>
      end(await exportEvents(connect(options, terminal.environment), options, terminal)),
  );
  withFile(exports.command('rollups').description("a meter's usage by window"))
    .requiredOption('--meter <slug>')
    .addOption(new Option('--window <size>').choices(['MINUTE', 'HOUR', 'DAY']).default('HOUR'))
    .option('--group-by <key>', 'may be repeated', collect, [])
    .action(async (options: RollupOptions & ConnectionOptions) =>
      end(await exportRollups(connect(options, terminal.environment), options, terminal)),
    );
  withConnection(program.command('replay <file>').description('send the events of an export again')).action(
    async (file: string, options: ConnectionOptions) =>
      end(await replay(connect(options, terminal.environment), file, terminal)),
  );
};

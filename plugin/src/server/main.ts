#!/usr/bin/env node
import { adoptSlots } from '../journal/adopt-slots';
import { logToStandardError as log } from '../observability/log';
import { OptionsError, parseOptions, type ServerOptions, usage } from './options';
import { isShareable, type PluginServer } from './plugin-server';
import { loadPlugins, sidecarsOf } from './plugins';
import { serve, writeInfo } from './serve';
import { slotVariable, WorkerPool } from './worker-pool';
import { runWorker } from './worker-process';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options.isHelp) {
    process.stdout.write(usage());
    return;
  }
  const { socket, dumpInfo, processes } = options;
  const slot = process.env[slotVariable];
  if (socket !== undefined && slot !== undefined) return runWorker({ ...options, socket }, slot, log);

  const server = loadPlugins(options.pluginsDirectory, log);
  const plugins = [...server.plugins.keys()];
  if (dumpInfo) await writeInfo(dumpInfo, server);
  if (processes > 1) assertShareable(server);
  if (socket === undefined || processes > 1) server.close();
  if (socket === undefined) return;
  if (options.journal) await adopt(options.journal, processes);
  const running =
    processes > 1
      ? await new WorkerPool({ ...options, socket }, log).start()
      : await serve({ ...options, socket }, server, sidecarsOf(server), log);
  log('info', 'the plugin server is ready', { socket, port: running.port, processes, plugins });
  stopOnSignals(running.stop, options);
}

/** The steps of an event may reach any process, so a plugin that keeps an event's state in one cannot be shared. */
function assertShareable(server: PluginServer): void {
  const names = [...server.plugins].filter(([, { mod }]) => !isShareable(mod)).map(([name]) => name);
  if (names.length === 0) return;
  throw new OptionsError([
    `--processes above 1 serves only plugins whose log phase is logSerialized(); give ${names.join(', ')} a plugin server of its own`,
  ]);
}

async function adopt(journal: string, processes: number): Promise<void> {
  const segments = await adoptSlots(journal, processes);
  if (segments > 0) log('info', 'events of processes that are no more will be delivered', { segments });
}

/** The first signal drains; a second one ends at once, and the journal still keeps everything. */
function stopOnSignals(stop: () => Promise<void>, { drainMs }: ServerOptions): void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    log('info', 'stopping', { signal, drainMs });
    stop().then(
      () => process.exit(0),
      (error: Error) => {
        log('error', 'the server did not stop cleanly', { error: error.message });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

main().catch((error: Error & { code?: string }) => {
  const isForTheOperator = error instanceof OptionsError || error.code === 'journal_locked';
  process.stderr.write(`${isForTheOperator ? error.message : error.stack}\n`);
  process.exit(isForTheOperator ? 2 : 1);
});

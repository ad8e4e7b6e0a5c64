#!/usr/bin/env node
import { logToStandardError as log } from '../observability/log';
import { OptionsError, parseOptions, type ServerOptions, usage } from './options';
import { loadPlugins, sidecarsOf } from './plugins';
import { serve, writeInfo } from './serve';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options.isHelp) {
    process.stdout.write(usage());
    return;
  }
  const server = loadPlugins(options.pluginsDirectory, log);
  if (options.dumpInfo) await writeInfo(options.dumpInfo, server);
  const { socket } = options;
  if (socket === undefined) {
    server.close();
    return;
  }
  const running = await serve({ ...options, socket }, server, sidecarsOf(server), log);
  log('info', 'the plugin server is ready', {
    socket,
    port: running.port,
    plugins: [...server.plugins.keys()],
  });
  stopOnSignals(running.stop, options);
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

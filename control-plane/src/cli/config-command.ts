import { readConfiguration, settings } from '../config/configuration';
import { exitStatus } from './exit-status';
import type { Terminal } from './terminal';

/** `tollgate config --print`: every setting in force as an environment file, secrets masked, defaults marked. */
export const printConfiguration = (terminal: Terminal): number => {
  const configuration = readConfiguration(terminal.environment);
  for (const [key, setting] of Object.entries(settings)) {
    const value = configuration[key as keyof typeof configuration];
    const isGiven = Boolean(terminal.environment[setting.env]);
    if (value === undefined) {
      terminal.out.write(`# ${setting.env} is not set\n`);
      continue;
    }
    const shown = 'isSecret' in setting ? '(secret)' : String(value);
    terminal.out.write(`${setting.env}=${shown}${isGiven ? '' : '  # default'}\n`);
  }
  return exitStatus.done;
};

import { cpus, loadavg, totalmem } from 'node:os';

/** The machine a bench ran on, for the report; the load average says how quiet it was. */
export const describeMachine = () => ({
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  loadAverage: loadavg().map((value) => Math.round(value * 10) / 10),
});

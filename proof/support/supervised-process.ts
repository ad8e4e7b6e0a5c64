import { type Child, type ChildOptions, startChild } from '../../demo/child-process';

/** Starts that may fail in a row: a control plane ends when its database is away, and its supervisor starts it again. */
const maximumStarts = 20;

/** A process of this repository that is killed and started again. */
export interface SupervisedProcess {
  name: string;
  pid(): number;
  kill(): Promise<void>;
  /** Starts it until it is ready. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws Error of the last start when it does not become ready */
export const superviseProcess = async (options: ChildOptions): Promise<SupervisedProcess> => {
  let child: Child;
  const start = async (): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        child = await startChild(options);
        return;
      } catch (error) {
        if (attempt === maximumStarts) throw error;
      }
    }
  };
  await start();
  process.once('exit', () => child.process.kill('SIGKILL'));
  return {
    name: options.name,
    pid: () => child.process.pid!,
    kill: () => child.stop('SIGKILL'),
    start,
    stop: () => child.stop('SIGTERM'),
  };
};

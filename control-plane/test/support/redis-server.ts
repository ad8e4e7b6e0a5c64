/** A Redis of the test's own, on a free port, that can be killed, stopped in its tracks and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { freePorts } from '../../../demo/free-ports';
import { waitUntil } from './wait-until';

export interface RedisServer {
  /** redis://127.0.0.1:port */
  url: string;
  /** SIGKILL; nothing of it is kept. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay, nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Sends one command in its inline form and gives the first line of the answer. */
  command(line: string): Promise<string>;
}

const program = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'redis-server'))
  .find((file) => existsSync(file));

export const hasRedisServer = program !== undefined;

/** `describe` where redis-server is installed. Elsewhere it says what is left out; with REQUIRE_TEST_REDIS that fails. */
export const describeWithRedis = (name: string, suite: () => void): void => {
  if (hasRedisServer) {
    describe(name, suite);
    return;
  }
  if (process.env.REQUIRE_TEST_REDIS) {
    it(`${name} runs on a Redis`, () => {
      throw new Error('REQUIRE_TEST_REDIS is set, but redis-server is not in the PATH');
    });
    return;
  }
  process.stderr.write(`${name}: left out, redis-server is not in the PATH\n`);
  it.skip(`${name} (redis-server is not in the PATH)`, () => undefined);
};

/**
 * @param options.isCluster one node that serves all slots of a cluster
 * @throws Error when redis-server is not in the PATH
 */
export const startRedisServer = async (
  directory: string,
  options: { isCluster?: boolean } = {},
): Promise<RedisServer> => {
  if (!program) throw new Error('redis-server is not in the PATH');
  const [port] = (await freePorts(1)) as [number];
  let child: ChildProcess | undefined;
  const kill = (): Promise<void> =>
    new Promise((resolve) => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  const command = (line: string): Promise<string> => ask(port, line);
  const restart = async (): Promise<void> => {
    const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${port}.conf`];
    child = spawn(
      program,
      [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
        // Nothing is kept, and a fork for a snapshot would be a second process to end.
        ...['--save', '', '--appendonly', 'no'],
        ...(options.isCluster ? cluster : []),
      ],
      { stdio: 'ignore' },
    );
    await waitUntil('Redis answers', () => answers(command('PING'), '+PONG'), 20_000);
    if (!options.isCluster) return;
    await command('CLUSTER ADDSLOTSRANGE 0 16383');
    await waitUntil('the cluster is up', async () => /state:ok/.test(await command('CLUSTER INFO')), 20_000);
  };
  await restart();
  // Whatever ends the run ends its server.
  process.once('exit', () => child?.kill('SIGKILL'));
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    restart,
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    command,
  };
};

const answers = (answer: Promise<string>, expected: string): Promise<boolean> =>
  answer.then(
    (line) => line.startsWith(expected),
    () => false,
  );

const ask = (port: number, line: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(`${line}\r\n`));
    socket.once('error', reject);
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString('utf8'));
    });
  });

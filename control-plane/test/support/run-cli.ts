import { Writable } from 'node:stream';
import { runProgram } from '../../src/cli/program';
import type { TestApp } from './test-app';

export interface CliResult {
  status: number | undefined;
  out: string;
  error: string;
}

const collector = (): { stream: Writable; text: () => string } => {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
};

/** How far the clock of the commands is off, for tests of that. */
let clockOffsetMs = 0;

export const setClockOffset = (ms: number): void => {
  clockOffsetMs = ms;
};

/** Runs a command of the CLI in this process with an environment of its own. */
export const runCli = async (environment: Record<string, string>, ...given: string[]): Promise<CliResult> => {
  const out = collector();
  const error = collector();
  const status = await runProgram(given, {
    environment,
    out: out.stream,
    error: error.stream,
    now: () => Date.now() + clockOffsetMs,
  });
  return { status, out: out.text(), error: error.text() };
};

/** The environment in which a command speaks to a test's server. */
export const environmentOf = (app: TestApp): Record<string, string> => ({
  TOLLGATE_URL: app.url,
  TOLLGATE_API_TOKEN: app.token,
});

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** curl knows --json since 7.82. */
const hasCurl = (): boolean => {
  const { stdout } = spawnSync('curl', ['--version'], { encoding: 'utf8' });
  const [, major = '0', minor = '0'] = /^curl (\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return Number(major) > 7 || (Number(major) === 7 && Number(minor) >= 82);
};
const answersVersion = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** Which of the real programs there are. */
const realCommands = (): { curl: boolean; jq: boolean } => ({ curl: hasCurl(), jq: answersVersion('jq') });

/**
 * Runs shell commands as documentation prints them, and gives what they wrote. Ends at the first that fails, with its
 * output in the error. Where curl or jq is not installed a program of the same behaviour takes its place.
 */
export const runCommands = async (script: string, environment: Record<string, string>): Promise<string> => {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-commands-'));
  try {
    for (const [name, isReal] of Object.entries(realCommands())) {
      if (isReal) continue;
      const program = join(__dirname, `commands/${name}.cjs`);
      writeFileSync(
        join(directory, name),
        `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(program)} "$@"\n`,
        { mode: 0o755 },
      );
    }
    return await new Promise((resolve, reject) => {
      execFile(
        'bash',
        ['-c', `set -eo pipefail\n${script}`],
        {
          env: {
            ...process.env,
            PATH: `${directory}${delimiter}${process.env.PATH ?? ''}`,
            ...environment,
          },
          timeout: 60_000,
        },
        (error, stdout, stderr) => {
          if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
          else resolve(stdout);
        },
      );
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

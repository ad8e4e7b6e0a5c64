import { runProgram } from './cli/program';

void runProgram(process.argv.slice(2), {
  environment: process.env,
  out: process.stdout,
  error: process.stderr,
  now: Date.now,
}).then((status) => {
  // A server goes on; every other command ends here, whatever is still open.
  if (status !== undefined) process.exit(status);
});

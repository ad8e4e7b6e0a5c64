/** What a command reads its surroundings from and writes to. */
export interface Terminal {
  environment: NodeJS.ProcessEnv;
  out: NodeJS.WritableStream;
  error: NodeJS.WritableStream & { isTTY?: boolean };
  /** Epoch milliseconds. */
  now: () => number;
}

/** Exit statuses of the command line; docs/operations.md lists them. */
export const exitStatus = {
  done: 0,
  /** It could not be done: no answer, a refusal, a failing check. */
  failed: 1,
  /** Something a person wrote must be mended first: configuration, a declaration, arguments. `diff`: there are changes. */
  mistaken: 2,
} as const;

/** Ends a command with a message for people and a status for programs. */
export class CommandFailure extends Error {
  constructor(
    message: string,
    readonly status: number = exitStatus.failed,
  ) {
    super(message);
    this.name = 'CommandFailure';
  }
}

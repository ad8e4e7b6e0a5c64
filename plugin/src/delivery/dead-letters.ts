import { appendFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Events that the control plane refused by themselves, one JSON line each with the reason, for a person to mend
 * and send again. When the file reaches its bound it becomes `dead-letters.1.jsonl`, and the one before that goes.
 */
export class DeadLetters {
  readonly path: string;

  constructor(
    private readonly directory: string,
    private readonly maxBytes: number,
    private readonly now: () => number,
  ) {
    this.path = join(directory, 'dead-letters.jsonl');
  }

  /** Keeps the events before they leave the journal. Throws when the disk does not take them. */
  keep(events: readonly Buffer[], reason: string): void {
    this.rotate();
    const refusedAt = new Date(this.now()).toISOString();
    const lines = events.map(
      (event) =>
        `{"refusedAt":"${refusedAt}","reason":${JSON.stringify(reason)},"event":${event.toString('utf8')}}\n`,
    );
    appendFileSync(this.path, lines.join(''), { mode: 0o600, flush: true });
  }

  private rotate(): void {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (size < this.maxBytes) return;
    const older = join(this.directory, 'dead-letters.1.jsonl');
    rmSync(older, { force: true });
    renameSync(this.path, older);
  }
}

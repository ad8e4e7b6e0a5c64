import type { Terminal } from './terminal';

const width = 24;

/** Shows progress on one line of a terminal, and nothing where standard error is no terminal. */
export const createProgressBar = ({ error }: Pick<Terminal, 'error'>) => ({
  /** @param share 0 to 1 */
  show: (share: number, text: string): void => {
    if (!error.isTTY) return;
    const filled = Math.round(Math.min(Math.max(share, 0), 1) * width);
    error.write(`\r${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${text}\u001b[K`);
  },
  end: (): void => {
    if (error.isTTY) error.write('\r\u001b[K');
  },
});

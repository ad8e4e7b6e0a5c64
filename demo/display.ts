import type { ConsumerTraffic } from './traffic';

const barWidth = 32;

const bar = (used: number, allowance: number): string => {
  const filled = Math.min(barWidth, Math.floor((used / allowance) * barWidth));
  return `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
};

/** One line a consumer: what it used of its allowance, and what the gateway answers it. */
export const progressLine = (traffic: ConsumerTraffic, used: number): string => {
  const share = `${Math.round((used / traffic.allowance) * 100)} %`.padStart(6);
  const answers = [...traffic.answers]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`)
    .join('  ');
  return `${traffic.name.padEnd(9)} ${bar(used, traffic.allowance)} ${share}  ${String(used).padStart(5)} of ${traffic.allowance}   ${answers}`;
};

/**
 * Shows progress in place on a terminal; elsewhere a block every few seconds, so that a log stays readable.
 */
export const createProgress = (output: NodeJS.WriteStream) => {
  let shown = 0;
  let lastPlainAt = 0;
  const plainIntervalMs = 4_000;
  return {
    show: (lines: readonly string[]): void => {
      if (output.isTTY) {
        if (shown > 0) output.write(`\u001b[${shown}A`);
        for (const line of lines) output.write(`\u001b[2K${line}\n`);
        shown = lines.length;
        return;
      }
      if (Date.now() - lastPlainAt < plainIntervalMs) return;
      lastPlainAt = Date.now();
      output.write(`${lines.join('\n')}\n`);
    },
    /** The next progress begins below what is written meanwhile. */
    leave: (): void => {
      shown = 0;
    },
  };
};

const clockTime = (at: number): string => new Date(at).toISOString().slice(11, 23);

/** A line of the timeline: when, how long after the step before it, and what happened. */
export const timelineLine = (at: number, afterMs: number | undefined, text: string): string =>
  `  ${clockTime(at)}  ${afterMs === undefined ? '          ' : `+${afterMs} ms`.padStart(10)}  ${text}`;

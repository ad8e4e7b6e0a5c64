export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Writes one line; fields must be free of credentials and of what clients sent. */
export type Log = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;

/** One JSON object a line on standard error: standard output belongs to the query command. */
export const logToStandardError: Log = (level, message, fields = {}) => {
  if (level === 'debug') return;
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
};

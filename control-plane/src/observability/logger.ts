import pino, { type Logger } from 'pino';

/** Structured logs, one JSON object a line on standard error. Tokens and secrets are cut out wherever they might stand. */
export const createLogger = (level: string): Logger =>
  pino(
    {
      level,
      base: { service: 'tollgate' },
      redact: {
        paths: [
          'authorization',
          '*.authorization',
          'headers.authorization',
          '*.apikey',
          '*.token',
          '*.signingSecret',
          '*.password',
        ],
        censor: '[secret]',
      },
    },
    pino.destination({ dest: 2, sync: false }),
  );

import pino, { type DestinationStream, type Logger } from 'pino';

/** Names of fields whose values are secrets, wherever they stand: at the top, or up to four levels inside. */
const secretFields = [
  'authorization',
  'Authorization',
  'apikey',
  'cookie',
  'token',
  'apiToken',
  'signingSecret',
  'password',
  'databaseUrl',
];
const depths = ['', '*.', '*.*.', '*.*.*.', '*.*.*.*.'];

/** Structured logs, one JSON object a line, on standard error unless told otherwise. Secrets are cut out. */
export const createLogger = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: { service: 'tollgate' },
      redact: {
        paths: depths.flatMap((depth) => secretFields.map((field) => `${depth}${field}`)),
        censor: '[secret]',
      },
    },
    destination ?? pino.destination({ dest: 2, sync: false }),
  );

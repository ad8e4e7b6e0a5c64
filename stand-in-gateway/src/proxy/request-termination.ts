import { sendExit } from './answers';
import type { Exchange } from './exchange';

interface TerminationConfig {
  status_code: number;
  message: string | null;
  content_type: string | null;
  body: string | null;
  trigger: string | null;
}

/** Kong's words where the configuration gives none. */
const defaultMessages: Record<number, string> = {
  401: 'Unauthorized',
  404: 'Not found',
  405: 'Method not allowed',
  500: 'An unexpected error occurred',
  502: 'Bad Gateway',
  503: 'Service unavailable',
};

/** Kong's request-termination: ends the request with a fixed answer. */
export function runRequestTermination(exchange: Exchange, rawConfig: Record<string, unknown>): void {
  const config = rawConfig as unknown as TerminationConfig;
  if (config.trigger !== null) {
    const inQuery = new URLSearchParams(exchange.query).has(config.trigger);
    if (!inQuery && exchange.header(config.trigger) === undefined) return;
  }
  if (config.body !== null) {
    sendExit(exchange, config.status_code, config.body, {
      'Content-Type': config.content_type ?? 'application/json; charset=utf-8',
    });
    return;
  }
  const message = config.message ?? defaultMessages[config.status_code];
  sendExit(exchange, config.status_code, message === undefined ? undefined : { message });
}

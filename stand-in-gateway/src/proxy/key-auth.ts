import type { KeyAuthCredential } from '../entities/entity';
import { sendError } from './answers';
import type { Exchange } from './exchange';
import type { ProxyConsumer } from './proxy-consumer';

interface KeyAuthConfig {
  key_names: string[];
  key_in_header: boolean;
  key_in_query: boolean;
  hide_credentials: boolean;
  anonymous: string | null;
  realm: string | null;
  run_on_preflight: boolean;
}

const identityHeaders = [
  'x-consumer-id',
  'x-consumer-custom-id',
  'x-consumer-username',
  'x-credential-identifier',
  'x-anonymous-consumer',
];

/** Kong's key-auth: finds the consumer by the key in a header or the query string, or answers 401. */
export function runKeyAuth(exchange: Exchange, rawConfig: Record<string, unknown>): void {
  const config = rawConfig as unknown as KeyAuthConfig;
  if (!config.run_on_preflight && exchange.request.method === 'OPTIONS') return;
  if (config.anonymous !== null && exchange.consumer) return;
  const failure = authenticate(exchange, config);
  if (!failure) return;
  const anonymous =
    config.anonymous === null ? undefined : exchange.view.findConsumerByIdOrName(config.anonymous);
  if (anonymous) {
    setConsumer(exchange, anonymous, undefined);
    return;
  }
  const challenge = config.realm === null ? 'Key' : `Key realm="${config.realm}"`;
  sendError(exchange, 401, failure, ['WWW-Authenticate', challenge]);
}

/** Returns what is wrong, or undefined when the consumer is known. */
function authenticate(exchange: Exchange, config: KeyAuthConfig): string | undefined {
  const keys = new Set(findKeys(exchange, config));
  if (keys.size === 0) return 'No API key found in request';
  if (keys.size > 1) return 'Duplicate API key found';
  const [key] = keys;
  const credential = exchange.view.findCredential(key!);
  const consumer = credential && exchange.view.findConsumer(credential.consumer.id);
  if (!consumer) return 'Unauthorized';
  if (config.hide_credentials)
    for (const name of config.key_names) exchange.removedHeaders.add(name.toLowerCase());
  setConsumer(exchange, consumer, credential);
  return undefined;
}

function findKeys(exchange: Exchange, config: KeyAuthConfig): string[] {
  const found: string[] = [];
  for (const name of config.key_names) {
    const header = config.key_in_header ? exchange.request.headers[name.toLowerCase()] : undefined;
    if (header !== undefined) found.push(...(Array.isArray(header) ? header : [header]));
    if (config.key_in_query && exchange.query.includes(name)) {
      const query = new URLSearchParams(exchange.query);
      found.push(...query.getAll(name));
      if (config.hide_credentials && query.has(name)) exchange.hiddenQueryNames.add(name);
    }
  }
  return found;
}

function setConsumer(
  exchange: Exchange,
  consumer: ProxyConsumer,
  credential: KeyAuthCredential | undefined,
): void {
  exchange.consumer = consumer;
  exchange.credential = credential;
  // A client must not pass itself off as somebody: whatever it sent under these names goes.
  for (const name of identityHeaders) if (name in exchange.request.headers) exchange.removedHeaders.add(name);
  const { id, custom_id, username } = consumer.entity;
  exchange.setHeaders.set('x-consumer-id', id);
  if (custom_id !== null) exchange.setHeaders.set('x-consumer-custom-id', custom_id);
  if (username !== null) exchange.setHeaders.set('x-consumer-username', username);
  if (credential) exchange.setHeaders.set('x-credential-identifier', credential.id);
  else exchange.setHeaders.set('x-anonymous-consumer', 'true');
}

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
  const found = findKey(exchange, config);
  if (found === 'duplicate') return 'Duplicate API key found';
  if (!found || found.key === '') return 'No API key found in request';
  if (config.hide_credentials) {
    exchange.removedHeaders.add(found.name.toLowerCase());
    exchange.hiddenQueryNames.add(found.name);
  }
  const credential = exchange.view.findCredential(found.key);
  const consumer = credential && exchange.view.findConsumer(credential.consumer.id);
  if (!consumer) return 'Unauthorized';
  setConsumer(exchange, consumer, credential);
  return undefined;
}

/** The first name that is there counts, its header before its query argument. */
function findKey(
  exchange: Exchange,
  config: KeyAuthConfig,
): { name: string; key: string } | 'duplicate' | undefined {
  for (const name of config.key_names) {
    const values =
      (config.key_in_header ? headerValues(exchange, name) : undefined) ??
      (config.key_in_query ? queryValues(exchange, name) : undefined);
    if (!values) continue;
    return values.length > 1 ? 'duplicate' : { name, key: values[0]! };
  }
  return undefined;
}

function headerValues({ request }: Exchange, name: string): string[] | undefined {
  const lowerName = name.toLowerCase();
  const joined = request.headers[lowerName];
  if (joined === undefined) return undefined;
  // Node joins the values of a repeated header by a comma.
  return joined.includes(',') ? request.headersDistinct[lowerName] : [joined as string];
}

function queryValues({ query }: Exchange, name: string): string[] | undefined {
  if (!query.includes('=')) return undefined;
  const values = new URLSearchParams(query).getAll(name);
  return values.length > 0 ? values : undefined;
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

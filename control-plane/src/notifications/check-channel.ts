import { validateHeaderName, validateHeaderValue } from 'node:http';
import { type FieldError, invalid } from '../primitives/refusal';
import type { ChannelInput } from './channel';
import { isInternalHost } from './delivery/destination-guard';

const maximumHeaders = 50;
const maximumHeaderBytes = 8_192;

/** Headers that are ours, or that belong to the connection. */
const reservedHeader =
  /^(?:webhook-.*|svix-.*|host|connection|content-length|content-type|user-agent|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*)$/i;

/**
 * Refuses a channel that could never work or must not be.
 * @throws Refusal naming every field that is wrong and what to do about it
 */
export const checkChannel = (input: ChannelInput, allowPrivateDestinations: boolean): void => {
  const mistakes = [
    ...urlMistakes(input.url, allowPrivateDestinations),
    ...headerMistakes(input.customHeaders),
  ];
  if (mistakes.length === 0) return;
  const detail = mistakes.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw invalid('validation_failed', `the channel is not valid: ${detail}`, mistakes);
};

const urlMistakes = (text: string, allowPrivateDestinations: boolean): FieldError[] => {
  const mistake = (code: string, message: string): FieldError[] => [{ code, field: '$.url', message }];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return mistake('url', 'must be an absolute http or https URL');
  }
  if (url.username || url.password) {
    return mistake('credentials_in_url', 'must hold no user name or password; put them into customHeaders');
  }
  if (!allowPrivateDestinations && isInternalHost(url.hostname)) {
    return mistake(
      'destination_forbidden',
      'must not point to a loopback, link-local or private address unless TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS is true',
    );
  }
  return [];
};

const headerMistakes = (headers: Record<string, string>): FieldError[] => {
  const entries = Object.entries(headers);
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value), 0);
  const mistakes = entries.flatMap(([name, value]) => headerMistake(name, value));
  if (entries.length > maximumHeaders || bytes > maximumHeaderBytes) {
    const message = `must be at most ${maximumHeaders} headers of ${maximumHeaderBytes} bytes together`;
    mistakes.push({ code: 'too_big', field: '$.customHeaders', message });
  }
  return mistakes;
};

const headerMistake = (name: string, value: string): FieldError[] => {
  const field = `$.customHeaders.${name.slice(0, 128)}`;
  if (reservedHeader.test(name)) {
    return [
      { code: 'reserved', field, message: 'is set by Tollgate or by HTTP itself; choose another name' },
    ];
  }
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return [];
  } catch {
    return [{ code: 'header', field, message: 'is not a valid HTTP header' }];
  }
};

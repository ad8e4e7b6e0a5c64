import { createHash } from 'node:crypto';

/** Longest key of a payload that makes a meter or a dimension. */
export const elementKeyLimit = 64;

const slugLimit = 64;
const prefix = 'revenium_';

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** storageGB -> storage_gb, "input-tokens" -> input_tokens; may be empty. */
const words = (key: string): string =>
  key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');

/** The slugs that a key's meter may have, the first that is free; each key has the last to itself. */
export const slugsOf = (key: string): string[] => {
  const hash = shortHash(key);
  const stem = words(key)
    .slice(0, slugLimit - prefix.length - hash.length - 1)
    .replace(/_+$/, '');
  return stem === '' ? [`${prefix}${hash}`] : [`${prefix}${stem}`, `${prefix}${stem}_${hash}`];
};

/** The group-by keys that a text key may have, the first that is free. */
export const groupKeysOf = (key: string): string[] => {
  const hash = shortHash(key);
  const isPlain = /^[a-zA-Z_][0-9a-zA-Z_]*$/.test(key);
  const stem = words(key).slice(0, 48);
  return [...(isPlain ? [key] : []), `${stem === '' ? 'key' : `key_${stem}`}_${hash}`];
};

/** RFC 9535: a name selector takes any name, written as a JSON string. */
export const payloadPath = (key: string): string => `$.payload[${JSON.stringify(key)}]`;

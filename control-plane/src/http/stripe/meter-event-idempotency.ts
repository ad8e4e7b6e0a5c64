import { createHash } from 'node:crypto';
import { keyMisused } from './idempotently';

/** Keys that this process remembers. */
const rememberedLimit = 50_000;

/** What is kept with an event of the Idempotency-Key that it came with. */
export interface EventKey {
  /** Digests of the key and of the body. */
  key: string;
  body: string;
  /** Unix milliseconds of the answer. */
  createdAt: number;
}

const attribute = 'stripeidempotency';

const digest = (text: string): string =>
  createHash('sha256').update(text, 'utf8').digest('base64url').slice(0, 22);

export const eventKeyOf = (key: string, body: string, createdAt: number): EventKey => ({
  key: digest(key),
  body: digest(body),
  createdAt,
});

/** The identifier of an event that has none: a retry with the same key is the same event, whatever process it meets. */
export const identifierOf = ({ key }: EventKey): string => `auto_${key}`;

/** As an attribute of the stored event. */
export const attributesOf = ({ key, body, createdAt }: EventKey): string =>
  `{"${attribute}":"${key}.${body}.${createdAt}"}`;

/** What an event was stored with; undefined without a key. */
export const storedKeyOf = (attributesText: string | null): EventKey | undefined => {
  if (attributesText === null) return undefined;
  const text = (JSON.parse(attributesText) as Record<string, unknown>)[attribute];
  if (typeof text !== 'string') return undefined;
  const [key, body, createdAt] = text.split('.');
  return { key: key!, body: body!, createdAt: Number(createdAt) };
};

/**
 * Refuses a key that this process has seen with another body. What is stored with events finds out the same where the two
 * requests name one event, on any replica; this finds it where they name two.
 */
export const createKeyMemory = () => {
  const bodies = new Map<string, string>();
  return ({ key, body }: EventKey): void => {
    const known = bodies.get(key);
    if (known !== undefined) {
      if (known !== body) throw keyMisused();
      return;
    }
    if (bodies.size >= rememberedLimit) bodies.delete(bodies.keys().next().value!);
    bodies.set(key, body);
  };
};

import { encodeTime, isValid, monotonicFactory } from 'ulid';
import { type Clock, systemClock } from './clock';

/** Yields a new identifier at each call. */
export type IdentifierSource = () => string;

/**
 * Identifiers are ULIDs (github.com/ulid/spec): 26 characters, sortable by creation time to the millisecond. Two of one
 * source ascend even within a millisecond and when the clock goes back.
 *
 * @param random numbers in [0, 1); the default is the platform's cryptographic source
 */
export function createIdentifierSource(clock: Clock = systemClock, random?: () => number): IdentifierSource {
  const next = monotonicFactory(random);
  return () => next(clock.now());
}

/** Whether the text has the form of an identifier of ours; upper case only, as they are written. */
export function isIdentifier(text: string): boolean {
  return text === text.toUpperCase() && isValid(text);
}

/** The least identifier that can be made at an instant, epoch milliseconds. */
export function firstIdentifierAt(instant: number): string {
  return `${encodeTime(Math.max(0, instant))}${'0'.repeat(16)}`;
}

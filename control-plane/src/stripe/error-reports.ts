import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { toTimeText } from '../primitives/time-text';
import type { Database, Transaction } from '../storage';
import {
  addTallies,
  deleteStripeEvents,
  type ErrorTally,
  insertStripeEvent,
  type ReportType,
  type StripeEvent,
  sampleLimit,
  takeTallies,
} from './error-report-store';
import { forgetAnswers } from './idempotency-store';
import type { MeterEventError } from './meter-event';

/** Errors of one minute are one report. */
const windowMs = 60_000;
const intervalMs = 1_000;
/** Events can be read for 30 days (Stripe's API reference, v2 events). */
const keptMs = 30 * 86_400_000;
/** Kept answers are forgotten after a day (Stripe's API reference, idempotent requests). */
export const answersKeptMs = 86_400_000;
const upkeepEveryMs = 3_600_000;

export interface ErrorReportsOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  /** Tells a report over the notification rules for its type, in the transaction that makes it. */
  tell(
    transaction: Transaction,
    type: ReportType,
    report: Record<string, unknown>,
    now: number,
  ): Promise<void>;
  onError: (error: unknown) => void;
}

/**
 * What the stream took and could not count: added up by minute, meter and kind, stored before the request is answered, and
 * reported when the minute is over, by whichever replica comes first.
 */
export const createErrorReports = ({ database, clock, newId, tell, onError }: ErrorReportsOptions) => {
  let waiting = new Map<string, ErrorTally>();
  let flushing: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const flush = async (): Promise<void> => {
    const tallies = [...waiting.values()];
    waiting = new Map();
    await addTallies(database, Math.floor(clock.now() / windowMs) * windowMs, tallies);
  };

  /** Ends when the errors are stored; those of requests at the same time share a statement. */
  const add = (errors: readonly MeterEventError[]): Promise<void> => {
    if (errors.length === 0) return Promise.resolve();
    for (const error of errors) tally(waiting, error);
    next ??= (flushing ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        flushing = flush();
        return flushing;
      });
    return next;
  };

  /** Reports every window that is over. */
  const report = async (): Promise<void> => {
    await database.transaction(async (transaction) => {
      const now = clock.now();
      const tallies = await takeTallies(transaction, Math.floor(now / windowMs) * windowMs);
      for (const of of grouped(tallies)) {
        const event = eventOf(newId(), of, now);
        await insertStripeEvent(transaction, event);
        await tell(transaction, event.type, event.body, now);
      }
    });
  };

  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let upkeptAt = Number.NEGATIVE_INFINITY;

  const round = async (): Promise<void> => {
    await report();
    const now = clock.now();
    if (now - upkeptAt < upkeepEveryMs) return;
    upkeptAt = now;
    await deleteStripeEvents(database, now - keptMs);
    await forgetAnswers(database, now - answersKeptMs);
  };

  return {
    add,
    report,
    start: (): void => {
      timer = setInterval(() => {
        running ??= round()
          .catch(onError)
          .finally(() => {
            running = undefined;
          });
      }, intervalMs);
      timer.unref();
    },
    stop: async (): Promise<void> => {
      clearInterval(timer);
      await running;
    },
  };
};

export type ErrorReports = ReturnType<typeof createErrorReports>;

type WindowTally = ErrorTally & { windowStart: number };

const tally = (
  tallies: Map<string, ErrorTally>,
  { meterId = '', code, message, identifier }: MeterEventError,
): void => {
  const key = `${meterId} ${code}`;
  const known = tallies.get(key) ?? { meterId, code, count: 0, samples: [] };
  known.count += 1;
  if (known.samples.length < sampleLimit) known.samples.push({ message, identifier });
  tallies.set(key, known);
};

const grouped = (tallies: readonly WindowTally[]): WindowTally[][] => {
  const groups = new Map<string, WindowTally[]>();
  for (const one of tallies) {
    const key = `${one.windowStart} ${one.meterId}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
};

/** The report in the shape of a v2 event (stripe-node, V2/Core/Events). */
const eventOf = (id: string, tallies: readonly WindowTally[], now: number): StripeEvent => {
  const { windowStart, meterId } = tallies[0]!;
  const count = tallies.reduce((sum, one) => sum + one.count, 0);
  const type: ReportType =
    meterId === '' ? 'v1.billing.meter.no_meter_found' : 'v1.billing.meter.error_report_triggered';
  return {
    id,
    type,
    meterId,
    createdAt: now,
    body: {
      id,
      object: 'v2.core.event',
      type,
      livemode: true,
      created: toTimeText(now),
      ...(meterId === ''
        ? {}
        : { related_object: { id: meterId, type: 'billing.meter', url: `/v1/billing/meters/${meterId}` } }),
      data: {
        developer_message_summary: `${count} meter event${count === 1 ? '' : 's'} could not be counted.`,
        validation_start: toTimeText(windowStart),
        validation_end: toTimeText(windowStart + windowMs),
        reason: {
          error_count: count,
          error_types: tallies.map((one) => ({
            code: one.code,
            error_count: one.count,
            sample_errors: one.samples.map(({ message, identifier }) => ({
              error_message: message,
              request: { identifier },
            })),
          })),
        },
      },
    },
  };
};

import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import type { Database } from '../storage';
import { gatherLines } from './invoices/gather-lines';
import { takeDueGathering, takeDueInvoices } from './invoices/invoice-store';
import type { MoveInvoices } from './invoices/move-invoices';
import { setNextLinesAt, takeDueSubscriptions } from './subscriptions/subscription-store';

/** Subscriptions or invoices of one transaction. */
const batchSize = 100;

export interface BillingSchedulerOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  moves: MoveInvoices;
  /** How long it sleeps between looks, milliseconds. */
  intervalMs: number;
  onError: (error: unknown) => void;
}

/**
 * Does what billing has due: lays out the lines of periods that begin, drafts invoices of lines that are due, and steps
 * invoices on. What is due stands in the database alone, so it survives restarts; replicas skip the rows that others hold,
 * so each is done once, and a control plane that was down makes the same invoices later.
 */
export const createBillingScheduler = (options: BillingSchedulerOptions) => {
  const { database, clock, newId, moves, intervalMs, onError } = options;
  let isStopping = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  const gather = (): Promise<number> =>
    database.transaction(async (transaction) => {
      const now = clock.now();
      const subscriptions = await takeDueSubscriptions(transaction, now, batchSize);
      if (subscriptions.length === 0) return 0;
      await setNextLinesAt(transaction, await gatherLines(transaction, subscriptions, newId, now));
      return subscriptions.length;
    });

  const collect = (): Promise<number> =>
    database.transaction(async (transaction) => {
      const now = clock.now();
      const gathering = await takeDueGathering(transaction, now, batchSize);
      if (gathering.length > 0) await moves.collectDue(transaction, gathering, now);
      return gathering.length;
    });

  const step = (): Promise<number> =>
    database.transaction(async (transaction) => {
      const now = clock.now();
      const due = await takeDueInvoices(transaction, now, batchSize);
      await moves.stepOnce(transaction, due, now);
      return due.length;
    });

  const runDue = async (): Promise<void> => {
    for (const work of [gather, collect, step]) {
      while (!isStopping && (await work()) > 0);
    }
  };

  const schedule = (): void => {
    if (isStopping) return;
    timer = setTimeout(() => {
      running = runDue()
        .catch(onError)
        .finally(() => schedule());
    }, intervalMs);
    timer.unref();
  };

  return {
    /** Does everything that is due now. */
    runDue,
    start: schedule,
    stop: async (): Promise<void> => {
      isStopping = true;
      clearTimeout(timer);
      await running;
    },
  };
};

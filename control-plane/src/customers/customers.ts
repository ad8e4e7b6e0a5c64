import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { conflict, notFound } from '../primitives/refusal';
import { type Database, isUniqueViolation, type Transaction } from '../storage';
import type { Customer, CustomerDetails } from './customer';
import {
  customersById,
  findCustomer,
  findCustomerBySubject,
  insertCustomer,
  lockCustomer,
  markCustomerDeleted,
  updateCustomer,
  writeSubjects,
} from './customer-store';

/** What later stages do when a customer changes; called inside the transaction that changes it. */
export interface CustomerFollower {
  /** Other event subjects count for the customer now. Returns what is left to do after COMMIT. */
  subjectsChanged(
    transaction: Transaction,
    customerId: string,
    now: number,
  ): Promise<(() => Promise<void>) | undefined>;
  /** The customer is about to be deleted; its subjects still stand. */
  customerDeleted(transaction: Transaction, customerId: string, now: number): Promise<void>;
}

export interface CustomersOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  follower: CustomerFollower;
}

/** Creates, changes and deletes customers. */
export const createCustomers = ({ database, clock, newId, follower }: CustomersOptions) => ({
  /** @throws Refusal `customer_key_taken`, `subject_taken` */
  create: (details: CustomerDetails): Promise<Customer> =>
    database.transaction((transaction) => insertWithSubjects(transaction, newId, details, clock.now())),

  /**
   * Replaces a customer's details. Usage follows its subjects: those added bring the usage they already have, those
   * removed take theirs away.
   * @throws Refusal `customer_not_found`, `customer_key_taken`, `subject_taken`
   */
  replace: async (idOrKey: string, details: CustomerDetails): Promise<Customer> => {
    const found = await required(database, idOrKey);
    const { customer, followUp } = await refuseTakenKey(details.key, () =>
      database.transaction(async (transaction) => {
        const now = clock.now();
        if (!(await lockCustomer(transaction, found.id))) throw notFound('customer', idOrKey);
        await updateCustomer(transaction, found.id, details, now);
        const { hasChanged, taken } = await writeSubjects(
          transaction,
          found.id,
          details.key,
          details.subjectKeys,
        );
        await refuseTaken(transaction, taken);
        const followUp = hasChanged ? await follower.subjectsChanged(transaction, found.id, now) : undefined;
        const customers = await customersById(transaction, [found.id]);
        return { customer: customers.get(found.id)!, followUp };
      }),
    );
    await followUp?.();
    return customer;
  },

  /**
   * Deletes a customer: its entitlements end, access is lost, its key and subjects are free for others.
   * @throws Refusal `customer_not_found`
   */
  delete: async (idOrKey: string): Promise<void> => {
    const found = await required(database, idOrKey);
    await database.transaction(async (transaction) => {
      if (!(await lockCustomer(transaction, found.id))) throw notFound('customer', idOrKey);
      const now = clock.now();
      await follower.customerDeleted(transaction, found.id, now);
      await markCustomerDeleted(transaction, found.id, now);
    });
  },

  /** @throws Refusal `customer_not_found` */
  get: (idOrKey: string): Promise<Customer> => required(database, idOrKey),
});

export type Customers = ReturnType<typeof createCustomers>;

const required = async (database: Database, idOrKey: string): Promise<Customer> => {
  const customer = await findCustomer(database, idOrKey);
  if (!customer) throw notFound('customer', idOrKey);
  return customer;
};

/**
 * Inserts a customer and its subjects, for callers that are in a transaction already.
 * @throws Refusal `customer_key_taken`, `subject_taken`
 */
export const insertWithSubjects = async (
  transaction: Transaction,
  newId: IdentifierSource,
  details: CustomerDetails,
  now: number,
): Promise<Customer> => {
  const id = newId();
  if (!(await insertCustomer(transaction, id, details, now))) throw keyTaken(details.key);
  const { taken } = await writeSubjects(transaction, id, details.key, details.subjectKeys);
  await refuseTaken(transaction, taken);
  return (await customersById(transaction, [id])).get(id)!;
};

const keyTaken = (key: string | null) =>
  conflict('customer_key_taken', `another customer has the key "${key ?? ''}"; choose another key`, { key });

const refuseTakenKey = async <T>(key: string | null, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (isUniqueViolation(error)) throw keyTaken(key);
    throw error;
  }
};

const refuseTaken = async (transaction: Transaction, taken: readonly string[]): Promise<void> => {
  if (taken.length === 0) return;
  const subject = taken[0]!;
  const owner = await findCustomerBySubject(transaction, subject);
  throw conflict(
    'subject_taken',
    `the subject "${subject.slice(0, 128)}" belongs to another customer; a subject belongs to one customer only`,
    { subjectKeys: taken, ...(owner ? { conflictingCustomerId: owner.id } : {}) },
  );
};

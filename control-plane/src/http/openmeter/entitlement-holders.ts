import { z } from 'zod';
import {
  type Customer,
  customerOfSubject,
  findCustomer,
  findCustomerBySubject,
  findSubjectKey,
  insertWithSubjects,
} from '../../customers';
import { type Entitlement, findEntitlement } from '../../entitlements';
import type { Clock } from '../../primitives/clock';
import { type IdentifierSource, isIdentifier } from '../../primitives/identifiers';
import { notFound } from '../../primitives/refusal';
import { type Database, isUniqueViolation } from '../../storage';
import { plainText } from './fields';

/** Whose entitlements a path names: v1 says it by an event subject, v2 by a customer. */
export interface HolderPath {
  version: 'v1' | 'v2';
  /** Such as /api/v1/subjects/{holder}/entitlements. */
  base: string;
  tag: string;
  /** @throws Refusal `customer_not_found`, `subject_not_found` */
  customer(holder: string): Promise<Customer>;
  /** The same, but v1 makes a customer for a subject that nobody has. */
  customerToEntitle(holder: string): Promise<{ customer: Customer; subjectKey: string | undefined }>;
  /** For reading a value with one statement. */
  holder(holder: string): Promise<{ customer: string } | { subject: string }>;
}

export interface HolderPathsOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
}

export const holderParams = { holder: plainText(1, 1_024) };
export const entitlementParams = z.object({ ...holderParams, entitlement: plainText(1, 256) });

export const customerPath = ({ database }: HolderPathsOptions): HolderPath => {
  const customer = async (idOrKey: string): Promise<Customer> => {
    const found = await findCustomer(database, idOrKey);
    if (!found) throw notFound('customer', idOrKey);
    return found;
  };
  return {
    version: 'v2',
    base: '/api/v2/customers/{holder}/entitlements',
    tag: 'Entitlements',
    customer,
    customerToEntitle: async (idOrKey) => ({ customer: await customer(idOrKey), subjectKey: undefined }),
    holder: async (idOrKey) => ({ customer: idOrKey }),
  };
};

export const subjectPath = ({ database, clock, newId }: HolderPathsOptions): HolderPath => {
  /** Subjects have ids of their own beside their keys; a key comes first. */
  const keyOf = async (idOrKey: string): Promise<string> =>
    (isIdentifier(idOrKey) ? await findSubjectKey(database, idOrKey) : undefined) ?? idOrKey;
  const customer = async (idOrKey: string): Promise<Customer> => {
    const found = await findCustomerBySubject(database, await keyOf(idOrKey));
    if (!found) throw notFound('subject', idOrKey);
    return found;
  };
  return {
    version: 'v1',
    base: '/api/v1/subjects/{holder}/entitlements',
    tag: 'Entitlements by subject',
    customer,
    customerToEntitle: async (idOrKey) => {
      const subjectKey = await keyOf(idOrKey);
      const found = await findCustomerBySubject(database, subjectKey);
      return { customer: found ?? (await customerFor(database, newId, subjectKey, clock.now())), subjectKey };
    },
    holder: async (idOrKey) => ({ subject: await keyOf(idOrKey) }),
  };
};

/** Makes a customer for a subject; when another request was faster, its customer is the one. */
const customerFor = async (
  database: Database,
  newId: IdentifierSource,
  subject: string,
  now: number,
): Promise<Customer> => {
  try {
    return await database.transaction((transaction) =>
      insertWithSubjects(transaction, newId, customerOfSubject(subject), now),
    );
  } catch (error) {
    const found = await findCustomerBySubject(database, subject);
    if (found && (isUniqueViolation(error) || isConflictRefusal(error))) return found;
    throw error;
  }
};

const isConflictRefusal = (error: unknown): boolean => (error as { kind?: unknown }).kind === 'conflict';

/** @throws Refusal `entitlement_not_found` */
export const requireEntitlement = async (
  database: Database,
  customer: Customer,
  idOrFeatureKey: string,
  now: number,
): Promise<Entitlement> => {
  const found = await findEntitlement(database, customer.id, idOrFeatureKey, now);
  if (!found) throw notFound('entitlement', idOrFeatureKey);
  return found;
};

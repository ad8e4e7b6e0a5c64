import { customerOfSubject, findCustomer, findCustomerBySubject, insertWithSubjects } from '../customers';
import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import type { Database, Transaction } from '../storage';
import { saveReport } from './report-store';
import { requestAccess } from './task-store';

/** Access to a feature as a metering elsewhere reports it. */
export interface AccessReport {
  featureKey: string;
  hasAccess: boolean;
  /** Epoch milliseconds. */
  at: number;
  /** Whose access: a key and event subjects, as known there. */
  customer: { key: string; name: string; subjectKeys: readonly string[] };
}

export interface ReportOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  wake: (gatewayId: string) => void;
}

/**
 * Takes in reports of access. A customer that is not known here is made, so that its consumers are found by its subjects;
 * a report older than one that is known changes nothing.
 * @throws Refusal `subject_taken` when the subjects belong to several customers here
 */
export const createAccessReporter = ({ database, clock, newId, wake }: ReportOptions) => {
  const customerOf = async (transaction: Transaction, { customer }: AccessReport): Promise<string> => {
    const subjects = [...new Set([...customer.subjectKeys, customer.key])];
    for (const subject of subjects) {
      const found = await findCustomerBySubject(transaction, subject);
      if (found) return found.id;
    }
    const named = await findCustomer(transaction, customer.key);
    if (named) return named.id;
    const details = { ...customerOfSubject(customer.key), name: customer.name, subjectKeys: subjects };
    return (await insertWithSubjects(transaction, newId, details, clock.now())).id;
  };

  return (report: AccessReport): Promise<void> =>
    database.transaction(async (transaction) => {
      const customerId = await customerOf(transaction, report);
      if (!(await saveReport(transaction, customerId, report.featureKey, report.hasAccess, report.at)))
        return;
      const cause = { customerId, featureKey: report.featureKey, cause: 'reported' };
      const gatewayIds = await requestAccess(transaction, [cause], clock.now());
      transaction.afterCommit(() => gatewayIds.forEach(wake));
    });
};

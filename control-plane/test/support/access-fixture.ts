import { createAccessRecorder } from '../../src/enforcement';
import { createSettle } from '../../src/pipeline';
import type { Clock } from '../../src/primitives/clock';
import { createIdentifierSource } from '../../src/primitives/identifiers';
import { changeDefinitions, type Database } from '../../src/storage';
import { createWatchRegistry } from '../../src/thresholds';

/** A customer with an entitlement, as a test needs it. */
export interface EntitledCustomer {
  customerId: string;
  entitlementId: string;
}

export interface EntitleOptions {
  /** The customer's key, and its event subject. */
  key: string;
  featureKey: string;
  /** Requests a month; without it the entitlement is boolean. */
  allowance?: number;
  isSoftLimit?: boolean;
}

/** Puts customers, features and entitlements straight into the tables, and settles as the stages do. */
export class AccessFixture {
  private readonly newId;
  private readonly settle;
  private readonly features = new Map<string, string>();
  private meterId: string | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    this.newId = createIdentifierSource(clock);
    this.settle = createSettle({
      watches: createWatchRegistry(),
      newId: this.newId,
      recorders: [createAccessRecorder(() => undefined)],
    });
  }

  /** Makes customers with entitlements, all in one transaction. */
  async entitle(list: readonly EntitleOptions[]): Promise<EntitledCustomer[]> {
    const now = this.clock.now();
    const made: EntitledCustomer[] = [];
    await this.database.transaction(async (transaction) => {
      made.length = 0;
      await changeDefinitions(transaction);
      for (const options of list) {
        const customerId = this.newId();
        const entitlementId = this.newId();
        const featureId = await this.feature(options.featureKey, transaction);
        await transaction.query(
          'INSERT INTO customer (id, key, name, created_at, updated_at) VALUES ($1, $2, $2, $3, $3)',
          [customerId, options.key, now],
        );
        await transaction.query(
          'INSERT INTO customer_subject (subject, customer_id, is_listed) VALUES ($1, $2, false)',
          [options.key, customerId],
        );
        const isMetered = options.allowance !== undefined;
        await transaction.query(
          `INSERT INTO entitlement (id, customer_id, feature_id, feature_key, type, is_soft_limit, issue_after_reset,
             measure_usage_from, usage_period_interval, usage_period_anchor, active_from, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6::boolean, $7::numeric, $8, $9, $8, $10, $10, $10)`,
          [
            entitlementId,
            customerId,
            featureId,
            options.featureKey,
            isMetered ? 'metered' : 'boolean',
            options.isSoftLimit ?? false,
            isMetered ? String(options.allowance) : null,
            isMetered ? now : null,
            isMetered ? 'P1M' : null,
            now,
          ],
        );
        if (isMetered) {
          // The grant that issueAfterReset stands for: every reset restores it.
          await transaction.query(
            `INSERT INTO entitlement_grant (id, entitlement_id, amount, effective_at, min_rollover, max_rollover,
               created_at, updated_at)
             VALUES ($1, $2, $3::numeric, $4, $3::numeric, $3::numeric, $4, $4)`,
            [this.newId(), entitlementId, String(options.allowance), now],
          );
        }
        made.push({ customerId, entitlementId });
      }
    });
    await this.settleAll(made.map(({ entitlementId }) => entitlementId));
    return made;
  }

  /** Adds an amount to a metered entitlement, as a grant does. */
  async grant(entitlementId: string, amount: number): Promise<void> {
    const now = this.clock.now();
    await this.database.query(
      `INSERT INTO entitlement_grant (id, entitlement_id, amount, effective_at, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $4, $4)`,
      [this.newId(), entitlementId, String(amount), now],
    );
    await this.settleAll([entitlementId], 'grant');
  }

  /** Ends an entitlement now, as deleting it does. */
  async remove(entitlementId: string): Promise<void> {
    const now = this.clock.now();
    await this.database.query(
      'UPDATE entitlement SET deleted_at = $2, active_to = COALESCE(active_to, $2) WHERE id = $1',
      [entitlementId, now],
    );
    await this.settleAll([entitlementId], 'entitlement_deleted');
  }

  /** Deletes a customer: its entitlements end, and its subjects are free again. */
  async removeCustomer({ customerId, entitlementId }: EntitledCustomer): Promise<void> {
    const now = this.clock.now();
    await this.database.query('UPDATE customer SET deleted_at = $2 WHERE id = $1', [customerId, now]);
    await this.database.query('DELETE FROM customer_subject WHERE customer_id = $1', [customerId]);
    await this.remove(entitlementId);
  }

  async settleAll(entitlementIds: readonly string[], cause = 'entitlement'): Promise<void> {
    const now = this.clock.now();
    const changes = entitlementIds.map((entitlementId) => ({ entitlementId, changedFrom: now }));
    await this.database.transaction((transaction) => this.settle(transaction, changes, cause, now));
  }

  private async feature(key: string, queryable: Pick<Database, 'query'>): Promise<string> {
    const known = this.features.get(key);
    if (known) return known;
    const now = this.clock.now();
    const id = this.newId();
    await queryable.query(
      'INSERT INTO feature (id, key, name, meter_id, created_at, updated_at) VALUES ($1, $2, $2, $3, $4, $4)',
      [id, key, await this.meter(queryable), now],
    );
    this.features.set(key, id);
    return id;
  }

  private async meter(queryable: Pick<Database, 'query'>): Promise<string> {
    if (this.meterId) return this.meterId;
    const now = this.clock.now();
    this.meterId = this.newId();
    await queryable.query(
      `INSERT INTO meter (id, slug, aggregation, event_type, counts_from_seq, created_at, updated_at)
       VALUES ($1, 'requests', 'COUNT', 'kong.api_request', 0, $2, $2)`,
      [this.meterId, now],
    );
    return this.meterId;
  }
}

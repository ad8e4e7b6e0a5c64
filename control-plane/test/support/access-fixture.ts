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

  /** Makes customers with entitlements. */
  async entitle(list: readonly EntitleOptions[]): Promise<EntitledCustomer[]> {
    const made: EntitledCustomer[] = [];
    for (let start = 0; start < list.length; start += 1_000) {
      made.push(...(await this.entitleTogether(list.slice(start, start + 1_000))));
    }
    return made;
  }

  /** In one transaction, a statement a table; settled in it, since an entitlement without a standing gives no access. */
  private async entitleTogether(list: readonly EntitleOptions[]): Promise<EntitledCustomer[]> {
    const now = this.clock.now();
    const made = list.map((options) => ({
      ...options,
      customerId: this.newId(),
      entitlementId: this.newId(),
      grantId: this.newId(),
      amount: options.allowance === undefined ? null : String(options.allowance),
    }));
    await this.database.transaction(async (transaction) => {
      await changeDefinitions(transaction);
      const features = new Map<string, string>();
      for (const { featureKey } of list)
        features.set(featureKey, await this.feature(featureKey, transaction));
      const { arrays } = transaction;
      const columns = [
        arrays.text(made.map(({ customerId }) => customerId)),
        arrays.text(made.map(({ key }) => key)),
        arrays.text(made.map(({ entitlementId }) => entitlementId)),
        arrays.text(made.map(({ featureKey }) => features.get(featureKey)!)),
        arrays.text(made.map(({ featureKey }) => featureKey)),
        arrays.numeric(made.map(({ amount }) => amount)),
        arrays.text(made.map(({ isSoftLimit }) => String(isSoftLimit ?? false))),
        arrays.text(made.map(({ grantId }) => grantId)),
      ];
      const from = `FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::text[],
        $8::text[]) AS m (customer_id, key, entitlement_id, feature_id, feature_key, amount, is_soft_limit, grant_id)`;
      const insert = (text: string) =>
        transaction.query(`${text.replace('FROM made', from)}`, [...columns, now]);
      await insert(`INSERT INTO customer (id, key, name, created_at, updated_at)
        SELECT customer_id, key, key, $9::bigint, $9::bigint FROM made`);
      await insert(`INSERT INTO customer_subject (subject, customer_id, is_listed)
        SELECT key, customer_id, $9::bigint < 0 FROM made`);
      await insert(`INSERT INTO entitlement (id, customer_id, feature_id, feature_key, type, is_soft_limit,
          issue_after_reset, measure_usage_from, usage_period_interval, usage_period_anchor, active_from, created_at,
          updated_at)
        SELECT entitlement_id, customer_id, feature_id, feature_key,
          CASE WHEN amount IS NULL THEN 'boolean' ELSE 'metered' END, is_soft_limit::boolean, amount,
          CASE WHEN amount IS NOT NULL THEN $9::bigint END, CASE WHEN amount IS NOT NULL THEN 'P1M' END,
          CASE WHEN amount IS NOT NULL THEN $9::bigint END, $9::bigint, $9::bigint, $9::bigint FROM made`);
      // The grant that issueAfterReset stands for: every reset restores it.
      await insert(`INSERT INTO entitlement_grant (id, entitlement_id, amount, effective_at, min_rollover, max_rollover,
          created_at, updated_at)
        SELECT grant_id, entitlement_id, amount, $9::bigint, amount, amount, $9::bigint, $9::bigint
        FROM made WHERE amount IS NOT NULL`);
    });
    const ids = made.map(({ entitlementId }) => entitlementId);
    for (let start = 0; start < ids.length; start += 1_000)
      await this.settleAll(ids.slice(start, start + 1_000));
    return made.map(({ customerId, entitlementId }) => ({ customerId, entitlementId }));
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

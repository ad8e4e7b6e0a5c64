import type { GatewayError } from './gateway-error';

/** A consumer as Kong knows it. */
export interface KongConsumer {
  id: string;
  username: string | null;
  customId: string | null;
  tags: readonly string[];
}

/**
 * Whether a consumer is in a group. `some`: several nodes without a common database disagree, so it is neither in nor
 * out.
 */
export type Membership = 'member' | 'absent' | 'some';

export interface ConsumerMemberships {
  consumer: KongConsumer;
  /** Of the groups asked for, all of them. */
  groups: Readonly<Record<string, Membership>>;
}

/** One consumer goes into a group or out of it. */
export interface MembershipChange {
  consumer: KongConsumer;
  group: string;
  action: 'add' | 'remove';
}

/** How one change ended; `already` when the gateway said that nothing was to be done. */
export type ChangeOutcome =
  | { outcome: 'done' | 'already'; answer: string }
  | { outcome: 'failed'; error: GatewayError };

/** `interrupted`: the gateway failed meanwhile; whether the change was made is not known, and it is to be made again. */
export type ChangeAnswer = ChangeOutcome | { outcome: 'interrupted'; error: GatewayError };

/** What a gateway says about itself. */
export interface GatewayProbe {
  version: string | null;
  /** "oss" or "enterprise" or "konnect". */
  edition: string;
  /** "postgres", "off" (DB-less), ...; null when it does not say. */
  database: string | null;
  nodes: number;
}

/**
 * How Tollgate speaks to one kind of Kong. Adding a member that is one and removing one that is none succeed. Methods
 * reject with a GatewayError when the gateway as a whole does not do its work; a change that only its own consumer or
 * group prevents is a `failed` outcome.
 */
export interface GatewayDriver {
  /** How many batches may be under way, of how many customers each, and whether a batch is one call whatever its size. */
  readonly limits: { concurrency: number; batch: number; isOneCall: boolean };
  /** Milliseconds until changes may be sent again; 0 when they may be sent now. */
  readyInMs(): number;
  probe(): Promise<GatewayProbe>;
  /** Every consumer with its memberships of `groups`, in a number of calls that follows from pages, not from consumers. */
  snapshot(groups: readonly string[]): Promise<ConsumerMemberships[]>;
  /** Consumers whose username, custom_id or `consumer:<id>` is one of the keys. */
  find(keys: readonly string[]): Promise<KongConsumer[]>;
  /** Memberships of `groups` as they are now; consumers that are gone are left out. */
  read(consumers: readonly KongConsumer[], groups: readonly string[]): Promise<ConsumerMemberships[]>;
  /** Makes the changes and says for each, in their order, how it ended. */
  change(changes: readonly MembershipChange[]): Promise<ChangeAnswer[]>;
}

/** The prefix with which Konnect's metering names a consumer by its id. */
export const consumerIdPrefix = 'consumer:';

/** The keys under which a consumer may be a customer's subject, in the order of precedence. */
export const keysOf = (consumer: Pick<KongConsumer, 'id' | 'username' | 'customId'>): string[] => [
  ...(consumer.username ? [consumer.username] : []),
  ...(consumer.customId ? [consumer.customId] : []),
  `${consumerIdPrefix}${consumer.id}`,
];

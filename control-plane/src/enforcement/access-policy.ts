/** Whether a customer may use a feature on a gateway. */
export type Access = 'in' | 'out';

/** `observe` only says in the log what `enforce` would do. */
export type PolicyMode = 'enforce' | 'observe';

/** Ties a feature to the groups of a gateway that give access to it. Times are epoch milliseconds. */
export interface AccessPolicy {
  id: string;
  featureKey: string;
  gatewayId: string;
  /** Groups that give access: consumers with access are in all of them, others in none. */
  leave: readonly string[];
  /** Groups for consumers without access, for instance one that answers 429 with a message of one's own. */
  join: readonly string[];
  mode: PolicyMode;
  createdAt: number;
  updatedAt: number;
}

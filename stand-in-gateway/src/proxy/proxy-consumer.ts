import type { Consumer } from '../entities/entity';

/** A consumer as the proxy knows it. */
export interface ProxyConsumer {
  entity: Consumer;
  /** Without absent fields, as plugins and logs get it. */
  present: Record<string, unknown>;
  json: string;
  /** Groups of the acl plugin, in the order in which the consumer joined. */
  groups: readonly string[];
  /** Consumer groups (Enterprise), in alphabetical order. */
  consumerGroups: readonly string[];
}

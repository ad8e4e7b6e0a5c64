import type { AdminFault } from '../../../stand-in-gateway/src';
import type { GatewayDriver } from '../../src/enforcement/drivers/gateway-driver';

/** Names that the suite uses; a target prepares them and removes them again. */
export interface TargetNames {
  /** Consumers in `group`, each with the custom_id `custom-<name>` and the key `<name>-key`. */
  first: string;
  second: string;
  group: string;
  /** Exists, with nobody in it. */
  otherGroup: string;
}

/** A gateway that the conformance suite runs against. */
export interface DriverTarget {
  names: TargetNames;
  /** Opens the driver, with a token other than the right one if asked. */
  open(options?: { token?: string; timeoutMs?: number }): GatewayDriver;
  /** The status of a request of the consumer through each node's proxy. */
  request(consumer: string): Promise<number[]>;
  /** Whether a group must exist before it can have members. */
  groupsExist: boolean;
  /** Makes every node's Admin API fail; undefined where that cannot be. */
  setFault: ((fault: AdminFault | undefined) => Promise<void>) | undefined;
  close(): Promise<void>;
}

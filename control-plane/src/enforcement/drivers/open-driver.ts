import type { DriverOptions } from './driver-options';
import type { GatewayDriver } from './gateway-driver';
import { openKongAcl } from './kong-acl/driver';
import { openKongConsumerGroups } from './kong-consumer-groups/driver';
import { openKongDbless } from './kong-dbless/driver';
import { openKonnect } from './konnect/driver';

/** The kinds of Kong, by the name that a gateway is registered with. */
export const openDriver: Readonly<Record<string, (options: DriverOptions) => GatewayDriver>> = {
  'kong-acl': openKongAcl,
  'kong-consumer-groups': openKongConsumerGroups,
  'kong-dbless': openKongDbless,
  konnect: openKonnect,
};

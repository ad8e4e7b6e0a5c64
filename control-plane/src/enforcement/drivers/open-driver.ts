import type { DriverOptions } from './driver-options';
import type { GatewayDriver } from './gateway-driver';
import { openKongAcl } from './kong-acl/driver';
import { openKongDbless } from './kong-dbless/driver';

/** The kinds of Kong, by the name that a gateway is registered with. */
export const openDriver: Readonly<Record<string, (options: DriverOptions) => GatewayDriver>> = {
  'kong-acl': openKongAcl,
  'kong-dbless': openKongDbless,
};

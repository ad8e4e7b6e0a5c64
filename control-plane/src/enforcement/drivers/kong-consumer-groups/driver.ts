import { AdminClient } from '../admin-client';
import { changeMember, readGroupsOf, snapshotGroups } from '../consumer-group-calls';
import { callByCall } from '../driver-limits';
import type { DriverOptions } from '../driver-options';
import { eachChange } from '../each-change';
import { findConsumers } from '../find-consumers';
import type { GatewayDriver } from '../gateway-driver';
import { probeAdmin } from '../probe-admin';

/** Kong Enterprise with a database: members of consumer groups, in a workspace, with an RBAC token. */
export const openKongConsumerGroups = (options: DriverOptions): GatewayDriver => {
  const { adminUrls, workspace, token, timeoutMs, concurrency, now } = options;
  const shared = { headers: token ? { 'Kong-Admin-Token': token } : {}, timeoutMs, concurrency, now };
  const adminUrl = adminUrls[0]!;
  const client = new AdminClient({
    ...shared,
    baseUrl: workspace === undefined ? adminUrl : `${adminUrl}/${encodeURIComponent(workspace)}`,
  });
  // What a node says about itself is not of any workspace.
  const node = new AdminClient({ ...shared, baseUrl: adminUrl });
  const byName = async (group: string) => group;
  return {
    limits: callByCall,
    readyInMs: () => 0,
    probe: () => probeAdmin(node),
    snapshot: (groups) => snapshotGroups(client, groups, byName),
    find: (keys) => findConsumers(client, keys),
    read: (consumers, groups) => readGroupsOf(client, concurrency, consumers, groups),
    change: (changes) => eachChange(changes, concurrency, (change) => changeMember(client, change, byName)),
  };
};

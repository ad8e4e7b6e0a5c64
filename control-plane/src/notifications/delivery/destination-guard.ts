import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * IPv4 blocks that are not the public Internet (IANA IPv4 Special-Purpose Address Registry, plus multicast and class E).
 * "This" network, private use, shared (carrier NAT), loopback, link-local with the cloud's metadata service, protocol
 * assignments, documentation, 6to4 relays, benchmarking, multicast, reserved and broadcast.
 */
const internalIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** Of global unicast IPv6 (2000::/3): protocol assignments with Teredo, documentation, 6to4, and the second documentation block. */
const internalIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

/** Prefixes of 96 bits before an IPv4 address: mapped (RFC 4291), and NAT64 (RFC 6052), through which DNS64 networks reach IPv4. */
const embeddings = ['::ffff:', '64:ff9b::'];

const subnet = (cidr: string): [address: string, prefix: number] => {
  const [address, prefix] = cidr.split('/');
  return [address!, Number(prefix)];
};

const internal = new BlockList();
for (const [address, prefix] of internalIpv4.map(subnet)) {
  internal.addSubnet(address, prefix, 'ipv4');
  for (const embedding of embeddings) internal.addSubnet(`${embedding}${address}`, 96 + prefix, 'ipv6');
}
for (const [address, prefix] of internalIpv6.map(subnet)) internal.addSubnet(address, prefix, 'ipv6');

const reachable = new BlockList();
reachable.addSubnet('2000::', 3, 'ipv6');
for (const embedding of embeddings) reachable.addSubnet(`${embedding}0.0.0.0`, 96, 'ipv6');

/**
 * Whether an IP address is on the public Internet. Everything that is not known to be is refused: of IPv6 only global
 * unicast passes, and addresses that carry an IPv4 address only with a public one.
 */
export const isPublicAddress = (address: string): boolean => {
  const version = isIP(address);
  if (version === 4) return !internal.check(address, 'ipv4');
  if (version !== 6 || address.includes('%')) return false;
  return reachable.check(address, 'ipv6') && !internal.check(address, 'ipv6');
};

/** A destination that webhooks may not go to. */
export class ForbiddenDestinationError extends Error {
  readonly code = 'destination_forbidden';
  constructor(host: string) {
    super(
      `${host} is not a public address; TOLLGATE_ALLOW_PRIVATE_WEBHOOK_DESTINATIONS=true would allow it on a network you trust`,
    );
    this.name = 'ForbiddenDestinationError';
  }
}

/**
 * Whether a URL's host is an IP address, in any notation (URL parsing turns decimal, octal, hexadecimal and short forms
 * into the dotted one), or a name that is local by definition (RFC 6761), and is not public. Such a host needs no lookup.
 */
export const isInternalHost = (hostname: string): boolean => {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(host)) return !isPublicAddress(host);
  return host === 'localhost' || host.endsWith('.localhost');
};

/**
 * A lookup for sockets that refuses names which resolve to any address that is not public. The socket connects to the
 * very addresses that were checked, so a name that resolves differently a moment later (DNS rebinding) gains nothing.
 */
export const guardedLookup =
  (lookup: LookupFunction): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '');
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const forbidden = addresses.find(({ address }) => !isPublicAddress(address));
      if (forbidden || addresses.length === 0) {
        const refusal = new ForbiddenDestinationError(`${hostname} (${forbidden?.address ?? 'no address'})`);
        return callback(refusal, '');
      }
      if (options.all) return callback(null, addresses);
      callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };

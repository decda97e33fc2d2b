/**
 * Which addresses are nobody's on the public internet: a name that resolves to one of them leads into the account's own
 * network, to the machine itself, or to its metadata service.
 *
 * What the registries call special is refused whole, the few anycast services within it too, and so is what holds an
 * IPv4 address: where a translator would send it cannot be seen from here.
 * @see IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), as of 2025-10-09
 * @module
 */
import { BlockList, isIP } from 'node:net';

type Ranges = readonly (readonly [string, number])[];

const V4: Ranges = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8], // RFC 1918
  ['100.64.0.0', 10], // carriers' NAT, RFC 6598
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local, and the metadata of EC2 and ECS
  ['172.16.0.0', 12], // RFC 1918
  ['192.0.0.0', 24],
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays, RFC 7526
  ['192.168.0.0', 16], // RFC 1918
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 3], // multicast and reserved
];

/** All but 2000::/3, of which alone IANA has given addresses away; and what is special in that. */
const V6: Ranges = [
  ['::', 3], // loopback, IPv4-compatible and -translated, 64:ff9b::/96, 64:ff9b:1::/48, 100::/64, …
  ['2001::', 23], // IETF protocols: Teredo, benchmarks, ORCHID, …
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4
  ['3fff::', 20], // documentation
  ['4000::', 2],
  ['8000::', 1], // unique local (and fd00:ec2::254), link-local, site-local, multicast
];

const loopback = blockList([
  ['127.0.0.0', 8],
  ['::1', 128],
]);
const specialV4 = blockList(V4);
const specialV6 = blockList(V6);
const mapped = blockList([['::ffff:0:0', 96]]);

function blockList(ranges: Ranges): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, familyOf(address));
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** May a machine on the internet have this address? An IPv4 address within IPv6 (`::ffff:10.0.0.1`) counts as itself. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false; // a zone is this machine's own
  const family = familyOf(address);
  const special = mapped.check(address, family) ? specialV4 : specialV6; // an IPv4 address is mapped, too
  return !special.check(address, family);
}

export function isLoopback(address: string): boolean {
  return isIP(address) !== 0 && loopback.check(address, familyOf(address));
}

/**
 * Which addresses are nobody's on the public internet: a name that resolves to one of them leads into the account's own
 * network, to the machine itself, or to its metadata service.
 * @see IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890)
 * @module
 */
import { BlockList, isIP } from 'node:net';

const RANGES: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8], // RFC 1918
  ['100.64.0.0', 10], // carriers' NAT, RFC 6598
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local, and the metadata of EC2 and ECS
  ['172.16.0.0', 12], // RFC 1918
  ['192.0.0.0', 24],
  ['192.168.0.0', 16], // RFC 1918
  ['198.18.0.0', 15],
  ['224.0.0.0', 3], // multicast and reserved
  ['::', 96], // unspecified, loopback, IPv4-compatible
  ['64:ff9b::', 96], // an IPv4 address behind NAT64
  ['64:ff9b:1::', 48],
  ['2002::', 16], // 6to4 holds an IPv4 address
  ['fc00::', 7], // unique local, and fd00:ec2::254
  ['fe80::', 10],
  ['ff00::', 8],
];

const loopback = blockList([
  ['127.0.0.0', 8],
  ['::1', 128],
]);
const notPublic = blockList(RANGES);

function blockList(ranges: readonly [string, number][]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, familyOf(address));
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** May a machine on the internet have this address? An IPv4 address within IPv6 (`::ffff:10.0.0.1`) counts as itself. */
export function isPublic(address: string): boolean {
  return isIP(address) !== 0 && !notPublic.check(address, familyOf(address));
}

export function isLoopback(address: string): boolean {
  return isIP(address) !== 0 && loopback.check(address, familyOf(address));
}

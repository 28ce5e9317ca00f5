import { BlockList, isIP } from 'node:net';

/**
 * What an address may be used for: everything, `private` networks of an organization, or `special` ones that belong to this machine, its link,
 * its cloud's metadata service, or nobody.
 */
export type AddressRange = 'public' | 'private' | 'special';

type Subnet = readonly [address: string, prefix: number];

// IANA's special-purpose address registries (RFC 6890), and metadata services of clouds, which lie in ranges of other kinds.
const PRIVATE_IPV4: readonly Subnet[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
];
const SPECIAL_IPV4: readonly Subnet[] = [
  ['0.0.0.0', 8],
  ['100.100.100.200', 32], // metadata of Alibaba Cloud
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // host agent of Azure, in a public range
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24], // relays of 6to4
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
const PRIVATE_IPV6: readonly Subnet[] = [['fc00::', 7]];
const METADATA_IPV6: readonly Subnet[] = [
  ['fd00:ec2::254', 128], // AWS
  ['fd20:ce::254', 128], // Google Cloud
];
/** Everything else is mapped or translated IPv4 (`::ffff:0:0/96`, `64:ff9b::/96`), loopback, link-local, multicast or unassigned. */
const GLOBAL_IPV6: readonly Subnet[] = [['2000::', 3]];
const SPECIAL_IN_GLOBAL_IPV6: readonly Subnet[] = [
  ['2001::', 23], // Teredo and other protocols
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

// One list per family: a `BlockList` compares IPv4 addresses with subnets of mapped IPv6 addresses, too (Node 24).
const privateIpv4 = toList(PRIVATE_IPV4, 'ipv4');
const specialIpv4 = toList(SPECIAL_IPV4, 'ipv4');
const privateIpv6 = toList(PRIVATE_IPV6, 'ipv6');
const metadataIpv6 = toList(METADATA_IPV6, 'ipv6');
const globalIpv6 = toList(GLOBAL_IPV6, 'ipv6');
const specialInGlobalIpv6 = toList(SPECIAL_IN_GLOBAL_IPV6, 'ipv6');

/** The range of an address; text that is no address, or one with a zone, is `special`. */
export function classifyAddress(address: string): AddressRange {
  if (address.includes('%')) return 'special';
  switch (isIP(address)) {
    case 4:
      if (specialIpv4.check(address, 'ipv4')) return 'special';
      return privateIpv4.check(address, 'ipv4') ? 'private' : 'public';
    case 6:
      if (metadataIpv6.check(address, 'ipv6')) return 'special';
      if (privateIpv6.check(address, 'ipv6')) return 'private';
      return globalIpv6.check(address, 'ipv6') && !specialInGlobalIpv6.check(address, 'ipv6') ? 'public' : 'special';
    default:
      return 'special';
  }
}

function toList(subnets: readonly Subnet[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of subnets) list.addSubnet(address, prefix, family);
  return list;
}

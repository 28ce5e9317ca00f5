import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * Ranges that are no public hosts: this machine, private and link-local networks (cloud metadata services are there), carrier-grade NAT, multicast, reserved and
 * documentation ranges, and forms of IPv6 that have an
 * IPv4 address in them, but for IPv4-mapped ones, which `BlockList` compares with the ranges of IPv4. From IANA's special-purpose address registries.
 */
const RANGES: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const PRIVATE = new BlockList();
for (const [address, prefix] of RANGES) PRIVATE.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6');

/** Whether an IP address is one of the whole internet. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && !PRIVATE.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

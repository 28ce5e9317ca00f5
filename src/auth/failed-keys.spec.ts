import { describe, expect, it } from 'vitest';
import { FailedKeys } from './failed-keys.js';

/** The waits imposed on an address that fails this many times in a row. */
function fail(failed: FailedKeys, address: string, times: number, now = 0): readonly (number | undefined)[] {
  return Array.from({ length: times }, () => failed.record(address, now));
}

describe('an address that sends wrong keys', () => {
  it('may fail a few times, then has to wait, longer each time, up to a minute', () => {
    const waits = fail(new FailedKeys(), '10.0.0.1', 50);
    expect(waits.slice(0, 30)).toEqual(Array.from({ length: 30 }));
    expect(waits.slice(30, 38)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('is forgotten a minute after its last failure', () => {
    const failed = new FailedKeys();
    fail(failed, '10.0.0.1', 40);
    expect(failed.record('10.0.0.1', 59_000)).toBe(60);
    expect(failed.record('10.0.0.1', 120_000)).toBeUndefined();
  });

  it.each([
    ['another address', '10.0.0.1', '10.0.0.2'],
    ['an address of another IPv6 network', '2001:db8:0:1::1', '2001:db8:0:2::1'],
    ['a short IPv6 address', '::1', 'fe80::1'],
  ])('does not slow down %s', (_, one, other) => {
    const failed = new FailedKeys();
    fail(failed, one, 40);
    expect(failed.record(other, 0)).toBeUndefined();
  });

  it.each([
    ['IPv4 in the form of IPv6', '10.0.0.1', '::ffff:10.0.0.1'],
    ['another address of the same IPv6 network', '2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff'],
    ['another spelling', '2001:db8::1', '2001:db8:0:0::1'],
    ['a scope', 'fe80::1', 'fe80::1%eth0'],
  ])('is recognized by %s', (_, one, other) => {
    const failed = new FailedKeys();
    fail(failed, one, 40);
    expect(failed.record(other, 0)).toBeGreaterThan(1);
  });

  it('is evicted when very many others fail after it', () => {
    const failed = new FailedKeys();
    fail(failed, '10.0.0.1', 40);
    for (let index = 0; index < 20_000; index += 1) failed.record(`11.0.${index >> 8}.${index & 255}`, 0);
    expect(failed.addresses).toBe(10_000);
    expect(failed.record('10.0.0.1', 0)).toBeUndefined();
  });
});

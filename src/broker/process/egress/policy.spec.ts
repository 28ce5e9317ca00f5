import { describe, expect, it } from 'vitest';
import { allow } from '../../../../test/support/egress-proxy.js';
import type { NetworkPolicy } from '../../../domain/tool-credential.js';
import { classifyAddress } from './address-ranges.js';
import { decideTarget, findAddressProblem } from './policy.js';
import { parseAbsoluteTarget, parseConnectTarget } from './target.js';

function decide(
  network: NetworkPolicy,
  hosts: string,
  authority: string,
  addresses: readonly string[] = ['93.184.216.34'],
) {
  const target = parseConnectTarget(authority);
  if (target === undefined) throw new Error('bad arguments');
  const decision = decideTarget({ network, allowedHosts: hosts === '' ? [] : allow(hosts) }, target);
  if (decision.kind === 'refused') return decision.reason;
  return (
    findAddressProblem(target, decision.ranges, target.kind === 'address' ? [target.host] : addresses) ?? 'allowed'
  );
}

describe('The network policy', () => {
  it('refuses everything with none', () => {
    expect(decide('none', '', 'a.example:443')).toContain('agents have no network (CHIRON_SANDBOX_NETWORK=none)');
  });

  it('allows the listed hosts and ports with allowlist', () => {
    expect(decide('allowlist', 'github.com', 'GITHUB.com.:443')).toBe('allowed');
    expect(decide('allowlist', 'github.com', 'github.com:22')).toBe(
      'Chiron refuses github.com:22: it is not in CHIRON_SANDBOX_ALLOWED_HOSTS',
    );
    expect(decide('allowlist', 'github.com', 'gist.github.com:443')).toContain('not in CHIRON_SANDBOX_ALLOWED_HOSTS');
    expect(decide('allowlist', '8.8.8.8:53', '134744072:53')).toBe('allowed');
  });

  it('asks for TLS where an allowlist names no port', () => {
    const target = { kind: 'name', host: 'a.example', port: 443 } as const;
    const isWebOnly = (network: NetworkPolicy, hosts: string) =>
      decideTarget({ network, allowedHosts: allow(hosts) }, target);
    expect(isWebOnly('allowlist', 'a.example')).toHaveProperty('isWebOnly', true);
    expect(isWebOnly('allowlist', '*.example,a.example:443')).toHaveProperty('isWebOnly', false);
    expect(isWebOnly('open', 'a.example')).toHaveProperty('isWebOnly', false);
  });

  it('is narrowed by what the policies of a caller allow, each of them', () => {
    const target = { kind: 'name', host: 'a.example', port: 443 } as const;
    const decideWith = (hosts: string, ...limits: readonly string[]) =>
      decideTarget(
        { network: 'open', allowedHosts: allow(hosts) },
        target,
        limits.map((text, index) => ({ source: `policy ${index}`, allowedHosts: text === '' ? [] : allow(text) })),
      );
    expect(decideWith('a.example:443', '*.example', 'a.example')).toEqual({
      kind: 'allowed',
      ranges: ['public', 'private', 'special'],
      isWebOnly: true,
    });
    expect(decideWith('b.example', 'a.example:443')).toEqual({ kind: 'allowed', ranges: ['public'], isWebOnly: false });
    expect(decideWith('b.example', 'a.example', '')).toEqual({
      kind: 'refused',
      reason: 'Chiron refuses a.example:443: the policy of policy 1 does not allow it',
    });
    const closed = decideTarget({ network: 'none', allowedHosts: [] }, target, [
      { source: 'this key', allowedHosts: allow('a.example') },
    ]);
    expect(closed).toHaveProperty('kind', 'refused');
  });

  it('allows every public address and port with open', () => {
    expect(decide('open', '', 'a.example:22')).toBe('allowed');
    expect(decide('open', '', '8.8.8.8:53')).toBe('allowed');
  });

  it('refuses a name as soon as one of its addresses is private', () => {
    expect(decide('open', '', 'a.example:80', ['93.184.216.34', '10.0.0.1'])).toContain('in a private network');
    expect(decide('open', '', 'a.example:80', ['::ffff:10.0.0.1'])).toContain('loopback, link-local or reserved');
    expect(decide('open', '', '127.1:80')).toContain('loopback, link-local or reserved');
  });

  it('opens private networks to listed names, and the machine itself only to exact ones', () => {
    expect(decide('open', 'git.corp', 'git.corp:443', ['10.0.0.1'])).toBe('allowed');
    expect(decide('open', '*.corp', 'git.corp:443', ['10.0.0.1'])).toBe('allowed');
    expect(decide('open', '*.corp', 'git.corp:443', ['169.254.169.254'])).toContain('does not list the exact name');
    expect(decide('open', '*.corp', 'git.corp:443', ['127.0.0.1'])).toContain('does not list the exact name');
    expect(decide('open', 'localhost:3000', 'localhost:3000', ['127.0.0.1', '::1'])).toBe('allowed');
    expect(decide('allowlist', '[::1]:80', '[0::1]:80')).toBe('allowed');
  });
});

describe(classifyAddress.name, () => {
  it.each(['10.1.2.3', '172.31.255.255', '192.168.0.1', '100.64.0.1', 'fd00::1', 'fc00::1'])(
    'finds %s private',
    (address) => {
      expect(classifyAddress(address)).toBe('private');
    },
  );

  it.each([
    '0.0.0.0',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '198.18.0.1',
    '203.0.113.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:8.8.8.8',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:a00:1::',
    '3fff::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'no address',
  ])('finds %s special', (address) => {
    expect(classifyAddress(address)).toBe('special');
  });

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '11.0.0.1', '2606:4700::1111', '2001:4860:4860::8888'])(
    'finds %s public',
    (address) => {
      expect(classifyAddress(address)).toBe('public');
    },
  );
});

describe('The target of a request', () => {
  it('is read from an absolute form, with the path as it was sent', () => {
    expect(parseAbsoluteTarget('HTTP://A.example:8080/x/../y?z=%2e')).toEqual({
      target: { kind: 'name', host: 'a.example', port: 8080 },
      path: '/x/../y?z=%2e',
    });
    expect(parseAbsoluteTarget('http://[::1]?q')).toMatchObject({ target: { host: '::1', port: 80 }, path: '/?q' });
  });

  it.each([
    'http://a@b/',
    'http://a:b@c/',
    'https://a/',
    'ftp://a/',
    '/x',
    'http:///x',
    'http://a\\@b/',
    'http://a:0/',
    'http://a/#b',
  ])('is none in %s', (url) => {
    expect(parseAbsoluteTarget(url)).toBeUndefined();
  });

  it.each(['a', 'a:', 'a:0', 'a:99999', 'u@a:80', 'a:80:80', '::1:80', '[::1', 'a b:80', ':80', '[fe80::1%eth0]:80'])(
    'is none in CONNECT %s',
    (authority) => {
      expect(parseConnectTarget(authority)).toBeUndefined();
    },
  );
});

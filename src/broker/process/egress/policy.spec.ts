import { describe, expect, it } from 'vitest';
import { parseAllowedHosts } from '../../../config/allowed-hosts.js';
import { decideTarget, type EgressPolicy, findAddressProblem } from './policy.js';
import { parseAbsoluteTarget, parseConnectTarget } from './target.js';

function policy(network: EgressPolicy['network'], hosts?: string): EgressPolicy {
  const parsed = parseAllowedHosts(hosts);
  if (!('value' in parsed)) throw new Error(parsed.expected);
  return { network, allowedHosts: parsed.value };
}

/** Whether an agent reaches an authority whose name has these addresses. */
function reaches(rules: EgressPolicy, authority: string, addresses: readonly string[] = ['93.184.216.34']): boolean {
  const target = parseConnectTarget(authority);
  if (target === undefined) return false;
  const decision = decideTarget(rules, target);
  return decision.kind === 'allowed' && findAddressProblem(target, decision.ranges, addresses) === undefined;
}

describe('an isolated agent', () => {
  it('reaches nothing without a network, whatever is listed', () => {
    expect(reaches(policy('none', 'github.com'), 'github.com:443')).toBe(false);
  });

  it('reaches the listed hosts only, at their ports', () => {
    const rules = policy('allowlist', 'GitHub.com., *.npmjs.org, corp.example:8443, any.example:*, bücher.example');
    const reached = (authority: string) => reaches(rules, authority);
    expect(
      [
        'github.com:443',
        'GITHUB.com:80',
        'a.b.npmjs.org:443',
        'corp.example:8443',
        'any.example:22',
        'xn--bcher-kva.example:443',
      ].map(reached),
    ).toEqual([true, true, true, true, true, true]);
    expect(
      [
        'github.com:22',
        'evil.com:443',
        'npmjs.org:443',
        'evilnpmjs.org:443',
        'corp.example:443',
        'github.com.evil.com:443',
        'xgithub.com:443',
      ].map(reached),
    ).toEqual([false, false, false, false, false, false, false]);
  });

  it('reaches every public host with an open network, at any port', () => {
    expect(reaches(policy('open'), 'example.com:22')).toBe(true);
    expect(reaches(policy('open'), '93.184.216.34:443', ['93.184.216.34'])).toBe(true);
  });

  const PRIVATE = [
    ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1'],
    ...['255.255.255.255', '192.0.2.1', '198.18.0.1', '::1', '::', 'fd00::1', 'fe80::1', 'ff02::1', '::ffff:127.0.0.1'],
    ...['::ffff:a00:1', '64:ff9b::7f00:1', '2002:7f00:1::', '::127.0.0.1', '2001:db8::1'],
  ];

  it.each(PRIVATE)('does not reach %s, neither by itself nor by a name', (address) => {
    const authority = address.includes(':') ? `[${address}]:443` : `${address}:443`;
    for (const rules of [policy('open')]) {
      expect(reaches(rules, authority, [address])).toBe(false);
      expect(reaches(rules, 'a.example.com:443', [address])).toBe(false);
      expect(reaches(rules, 'a.example.com:443', ['93.184.216.34', address])).toBe(false);
    }
  });

  it.each(['127.1:443', '0x7f000001:443', '2130706433:443', '0177.0.0.1:443', '[::ffff:7f00:1]:443', '127.0.0.1.:443'])(
    'does not reach this machine by the spelling %s',
    (authority) => {
      const host = parseConnectTarget(authority)?.host ?? '';
      expect(reaches(policy('open'), authority, [host])).toBe(false);
    },
  );

  it('reaches a private host that is listed, by its name, its address or a wildcard', () => {
    const rules = policy('open', 'db.corp:5432,10.0.0.5:*,[::1]:80,*.corp');
    expect(reaches(rules, 'db.corp:5432', ['10.0.0.9'])).toBe(true);
    expect(reaches(rules, '10.0.0.5:22', ['10.0.0.5'])).toBe(true);
    expect(reaches(rules, '[::1]:80', ['::1'])).toBe(true);
    expect(reaches(rules, 'web.corp:443', ['10.0.0.9'])).toBe(true);
    expect(reaches(rules, 'db.corp:22', ['10.0.0.9'])).toBe(false);
  });

  it('does not reach this machine or a metadata service by a wildcard', () => {
    for (const address of ['127.0.0.1', '169.254.169.254', '::1', 'fd00:ec2::254', '100.100.100.200']) {
      expect(reaches(policy('open', '*.corp'), 'web.corp:443', [address])).toBe(false);
      expect(reaches(policy('open', 'web.corp'), 'web.corp:443', [address])).toBe(true);
    }
  });
});

describe('the target of a proxy', () => {
  it.each([
    '',
    'host',
    'host:',
    'host:0',
    'host:65536',
    'host:x',
    ':443',
    'a b:443',
    'u@host:443',
    'host:443/path',
    'http://host:443',
    '[::1',
    '[fe80::1%eth0]:1',
    'a:b:443',
  ])('is refused as CONNECT %j', (text) => expect(parseConnectTarget(text)).toBeUndefined());

  it.each([
    '/path',
    '*',
    'https://host/',
    'ftp://host/',
    'http://user@host/',
    'http://u:p@host/',
    'http://',
    'http://a b/',
  ])('is refused as the URL %j', (text) => expect(parseAbsoluteTarget(text)).toBeUndefined());

  it('has the port of its scheme unless it names one', () => {
    expect(parseAbsoluteTarget('http://Host.Example/a?b')).toMatchObject({
      target: { host: 'host.example', port: 80 },
      path: '/a?b',
    });
    expect(parseAbsoluteTarget('http://[::1]:8080/')).toMatchObject({ target: { host: '::1', port: 8080 } });
    expect(parseConnectTarget('[::1]:443')).toMatchObject({ host: '::1', port: 443 });
  });
});

it.each(['a b', '*', 'a.*.b', '*.1.2.3.4', 'host:0', 'host:99999', 'http://host', 'host/path', ',', 'host:x'])(
  'the setting %j of allowed hosts is refused',
  (text) => expect(parseAllowedHosts(text)).toHaveProperty('expected'),
);

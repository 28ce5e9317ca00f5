import { describe, expect, it } from 'vitest';
import { coversRule, type HostRule, isRuleFor, normalizeHost } from './host-rule.js';

describe(normalizeHost.name, () => {
  it.each([
    ['EXAMPLE.com.', 'name', 'example.com'],
    ['bücher.example', 'name', 'xn--bcher-kva.example'],
    ['a_b.example', 'name', 'a_b.example'],
    ['127.1', 'address', '127.0.0.1'],
    ['0x7f000001', 'address', '127.0.0.1'],
    ['2130706433', 'address', '127.0.0.1'],
    ['0177.0.0.1', 'address', '127.0.0.1'],
    ['１２７.0.0.1', 'address', '127.0.0.1'],
    ['127.0.0.1.', 'address', '127.0.0.1'],
    ['[::1]', 'address', '::1'],
    ['0:0:0:0:0:0:0:1', 'address', '::1'],
    ['[::ffff:127.0.0.1]', 'address', '::ffff:7f00:1'],
  ])('reads %s as the %s %s', (text, kind, host) => {
    expect(normalizeHost(text)).toEqual({ kind, host });
  });

  it.each([
    '',
    'a..b',
    '-a.example',
    'a b',
    'a\tb',
    'user@host',
    'host/path',
    'host?x',
    'host#x',
    'host\\x',
    'ex%61mple.com',
    '[fe80::1%25eth0]',
    'fe80::1%eth0',
    'host:80',
    '[host]',
    '1.2.3.4.5',
    '256.1.1.1',
    'a'.repeat(64),
    `${'a.'.repeat(127)}aa`,
    '*.example',
  ])('takes %j for no host', (text) => {
    expect(normalizeHost(text)).toBeUndefined();
  });
});

describe(isRuleFor.name, () => {
  const subdomains: HostRule = { kind: 'subdomains', host: 'example.com', ports: 'web' };

  it('lets a wildcard stand for names at any depth, not for the domain, and not for names that only end alike', () => {
    const named = (host: string) => isRuleFor(subdomains, { kind: 'name', host, port: 443 });
    expect(['a.example.com', 'a.b.example.com'].map(named)).toEqual([true, true]);
    expect(['example.com', 'badexample.com', 'example.com.evil'].map(named)).toEqual([false, false, false]);
  });

  it('compares ports', () => {
    const onPort = (ports: HostRule['ports'], port: number) =>
      isRuleFor({ kind: 'name', host: 'a', ports }, { kind: 'name', host: 'a', port });
    expect([onPort('web', 80), onPort('web', 443), onPort('web', 22)]).toEqual([true, true, false]);
    expect([onPort([22], 22), onPort([22], 443), onPort('any', 1)]).toEqual([true, false, true]);
  });
});

describe(coversRule.name, () => {
  const wildcard = (host: string, ports: HostRule['ports'] = 'web'): HostRule => ({ kind: 'subdomains', host, ports });
  const name = (host: string, ports: HostRule['ports'] = 'web'): HostRule => ({ kind: 'name', host, ports });

  it('compares hosts and ports of two rules', () => {
    expect(coversRule(wildcard('corp'), name('git.corp', [443]))).toBe(true);
    expect(coversRule(wildcard('corp'), wildcard('tools.corp', [443]))).toBe(true);
    expect(coversRule(wildcard('corp', 'any'), wildcard('corp', 'any'))).toBe(true);
    expect(coversRule(wildcard('tools.corp'), wildcard('corp'))).toBe(false);
    expect(coversRule(name('git.corp'), wildcard('corp'))).toBe(false);
    expect(coversRule(wildcard('corp'), name('git.corp', [8443]))).toBe(false);
    expect(coversRule(wildcard('corp'), name('git.corp', 'any'))).toBe(false);
  });
});

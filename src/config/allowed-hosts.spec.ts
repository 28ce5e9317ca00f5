import { describe, expect, it } from 'vitest';
import { parseAllowedHosts } from './allowed-hosts.js';

describe(parseAllowedHosts.name, () => {
  it('reads names, wildcards, addresses and ports', () => {
    expect(parseAllowedHosts('GitHub.com, *.example.com,git.corp:8443,*.corp:*,10.0.0.5:5432,[::1]:80')).toEqual({
      value: [
        { kind: 'name', host: 'github.com', ports: 'web' },
        { kind: 'subdomains', host: 'example.com', ports: 'web' },
        { kind: 'name', host: 'git.corp', ports: [8443] },
        { kind: 'subdomains', host: 'corp', ports: 'any' },
        { kind: 'address', host: '10.0.0.5', ports: [5432] },
        { kind: 'address', host: '::1', ports: [80] },
      ],
    });
  });

  it('has no host by default', () => {
    expect(parseAllowedHosts(undefined)).toEqual({ value: [] });
  });

  it.each([
    '*',
    'https://github.com',
    'a.com,',
    'a.com:0',
    'a.com:65536',
    'a.*.com',
    '*.10.0.0.1',
    '10.0.0.0/8',
    '::1',
    'a.com/x',
  ])('says which entry of %j is wrong', (text) => {
    expect(parseAllowedHosts(`ok.example,${text}`)).toHaveProperty(
      'expected',
      expect.stringMatching(/entry [23] is not/),
    );
  });
});

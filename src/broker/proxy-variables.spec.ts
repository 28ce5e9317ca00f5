import { expect, it } from 'vitest';
import { findProxies, findProxyWarnings, withProxies } from './proxy-variables.js';

const PASSED = { HTTPS_PROXY: 'http://corp:3128', no_proxy: '.corp', OTHER: 'kept' };
const OWN = '127.0.0.1,localhost,::1';

it('gives an isolated agent the broker as its proxy, in the place of the deployment’s', () => {
  const network = { isIsolated: true, proxyUrl: 'http://127.0.0.1:8100' };
  const proxies = ['http_proxy', 'https_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);
  expect(withProxies(PASSED, network)).toEqual({
    OTHER: 'kept',
    ...Object.fromEntries(proxies.map((name) => [name, network.proxyUrl])),
    no_proxy: OWN,
    NO_PROXY: OWN,
  });
});

it('gives an isolated agent without a network no proxy at all, by which it would not find the broker', () => {
  expect(withProxies(PASSED, { isIsolated: true, proxyUrl: undefined })).toEqual({ OTHER: 'kept' });
});

it('lets another agent reach the broker past the deployment’s proxy', () => {
  const network = { isIsolated: false, proxyUrl: undefined };
  const exceptions = `.corp,${OWN}`;
  expect(withProxies(PASSED, network)).toEqual({ ...PASSED, no_proxy: exceptions, NO_PROXY: exceptions });
  expect(withProxies({ OTHER: 'kept' }, network)).toEqual({ OTHER: 'kept' });
});

it('finds the deployment’s proxies in any case of letters', () => {
  expect(findProxies(PASSED)).toEqual({ HTTPS_PROXY: 'http://corp:3128', no_proxy: '.corp' });
});

it('warns of a proxy that the broker cannot use, without its value', () => {
  expect(
    findProxyWarnings({ HTTPS_PROXY: 'socks5://user:password@h', http_proxy: 'corp:3128', NO_PROXY: '.x' }),
  ).toEqual([
    'HTTPS_PROXY is not an http(s) URL: the broker connects without it.',
    'http_proxy is not an http(s) URL: the broker connects without it.',
  ]);
  expect(findProxyWarnings(findProxies(PASSED))).toEqual([]);
});

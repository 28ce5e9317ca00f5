import { type HostRule, normalizeHost } from '../domain/host-rule.js';
import type { Parsed } from './setting.js';

/** Parses the comma-separated hosts that agents may reach, such as `github.com`, `*.example.com:8443`, `[::1]:80` or `10.0.0.5:*`. */
export function parseAllowedHosts(text: string | undefined): Parsed<readonly HostRule[]> {
  const entries = text?.split(',').map((entry) => entry.trim()) ?? [];
  const rules = entries.map((entry) => parseHostRule(entry, 'web'));
  const wrong = rules.indexOf(undefined);
  if (wrong === -1) return { value: rules.filter((rule) => rule !== undefined) };
  return {
    expected: `must be comma-separated hosts such as github.com, *.example.com, git.corp:8443, *.corp:* or [fd00::5]:443, but entry ${wrong + 1} is not`,
  };
}

/**
 * Parses one host, which may begin with `*.` and end with a port or `:*`.
 *
 * @param defaultPorts the ports of a host without one.
 * @returns `undefined` if it is none.
 */
export function parseHostRule(text: string, defaultPorts: readonly number[] | 'web'): HostRule | undefined {
  const [, wildcard, host = '', port] = /^(\*\.)?(\[[^[\]]*\]|[^:[\]]+)(?::(\*|\d{1,5}))?$/.exec(text) ?? [];
  const normalized = normalizeHost(host);
  if (normalized === undefined) return undefined;
  const ports = port === '*' ? 'any' : port === undefined ? defaultPorts : [Number(port)];
  if (typeof ports !== 'string' && !ports.every((each) => each > 0 && each < 65_536)) return undefined;
  if (wildcard === undefined) return { ...normalized, ports };
  return normalized.kind === 'name' ? { kind: 'subdomains', host: normalized.host, ports } : undefined;
}

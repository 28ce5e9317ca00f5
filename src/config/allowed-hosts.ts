import { type HostRule, parseHostRule } from '../domain/host-rule.js';
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

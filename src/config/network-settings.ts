import { isIP } from 'node:net';
import { normalizeHost } from './host-name.js';
import type { Parsed } from './setting.js';

/** A host of `CHIRON_SANDBOX_ALLOWED_HOSTS`. */
export interface AllowedHost {
  /** In lower case, without brackets; `*.` at its beginning stands for any name below. */
  readonly host: string;
  /** `undefined` for 80 and 443. */
  readonly port: number | '*' | undefined;
}

/** Parses a comma-separated list of `host`, `*.host` or an address, each with `:port` or `:*` or without. */
export function parseAllowedHosts(text: string | undefined): Parsed<readonly AllowedHost[]> {
  if (text === undefined) return { value: [] };
  const entries = text.split(',').map((entry) => parseAllowedHost(entry.trim()));
  const value = entries.filter((entry) => entry !== undefined);
  return value.length === entries.length
    ? { value }
    : {
        expected:
          'must be a comma-separated list of hosts such as github.com, *.example.com, db.corp:5432, [::1]:80 or registry.corp:*',
      };
}

function parseAllowedHost(entry: string): AllowedHost | undefined {
  const [, name, port] = /^(\[[^\]]+\]|[^:[\]]+)(?::(\d{1,5}|\*))?$/.exec(entry) ?? [];
  const host = name === undefined ? undefined : toHost(name);
  const isPort = port === undefined || port === '*' || (Number(port) >= 1 && Number(port) <= 65_535);
  if (host === undefined || !isPort) return undefined;
  return { host, port: port === undefined || port === '*' ? port : Number(port) };
}

function toHost(name: string): string | undefined {
  const isWildcard = name.startsWith('*.');
  const rest = isWildcard ? name.slice(2) : name;
  const host = rest.includes('*') ? undefined : normalizeHost(rest);
  if (host === undefined || (isWildcard && isIP(host) !== 0)) return undefined;
  return isWildcard ? `*.${host}` : host;
}

/** Parses a comma-separated list of names of models, in which `*` stands for any text. */
export function parseModelPatterns(text: string | undefined): Parsed<readonly string[]> {
  const patterns = (text ?? '').split(',').map((pattern) => pattern.trim());
  return { value: patterns.filter((pattern) => pattern !== '') };
}

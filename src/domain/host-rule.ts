import { isIP } from 'node:net';

/** A host as it is compared: a name in lower case and IDNA form, without a final dot, or an address in its canonical form, without brackets. */
export interface NetworkHost {
  readonly kind: 'name' | 'address';
  readonly host: string;
}

/** A host and a port that a client asks for. */
export interface NetworkTarget extends NetworkHost {
  readonly port: number;
}

/** One entry of a list of hosts: an exact name or address, or all names below a domain, but not the domain itself. */
export interface HostRule {
  readonly kind: 'name' | 'address' | 'subdomains';
  /** As in `NetworkHost`; for `subdomains` the domain, without `*.`. */
  readonly host: string;
  /** `web` are 80 and 443, for http and TLS only. */
  readonly ports: readonly number[] | 'web' | 'any';
}

const WEB_PORTS: readonly number[] = [80, 443];

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);
/** Characters that the URL parser would drop, decode or take for the end of the host; `%` also begins the zone of an IPv6 address. */
const NOT_IN_HOSTS = /[\s\p{Cc}%/?#@\\]/u;

/**
 * The one form of a host that rules and checks use. Reads every spelling that a client's or the system's parser takes, such as `127.1`,
 * `0x7f000001`, `2130706433` or full-width digits; an IPv6 address with or without brackets, but not with a zone.
 *
 * @returns `undefined` for what is neither a name nor an address.
 */
export function normalizeHost(text: string): NetworkHost | undefined {
  if (text === '' || NOT_IN_HOSTS.test(text)) return undefined;
  const isBareIpv6 = isIP(text) === 6;
  if (!isBareIpv6 && text.includes(':') && !/^\[[^[\]]*\]$/.test(text)) return undefined;
  const url = URL.parse(`http://${isBareIpv6 ? `[${text}]` : text}/`);
  if (url === null) return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (isIP(host) > 0) return { kind: 'address', host };
  return NAME.test(host) ? { kind: 'name', host } : undefined;
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

/** Whether a rule names a target. */
export function isRuleFor(rule: HostRule, target: NetworkTarget): boolean {
  return isPortOf(rule, target.port) && isHostOf(rule, target);
}

/** Whether a rule names every host and port that another one does. */
export function coversRule(rule: HostRule, other: HostRule): boolean {
  if (other.ports === 'any' && rule.ports !== 'any') return false;
  if (other.ports !== 'any' && !toPorts(other.ports).every((port) => isPortOf(rule, port))) return false;
  if (other.kind !== 'subdomains') return isHostOf(rule, { kind: other.kind, host: other.host });
  return rule.kind === 'subdomains' && `.${other.host}`.endsWith(`.${rule.host}`);
}

/** A host and its port as in a URL. */
export function toHostText({ host, port }: Pick<NetworkTarget, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function isPortOf({ ports }: HostRule, port: number): boolean {
  return ports === 'any' || toPorts(ports).includes(port);
}

function toPorts(ports: readonly number[] | 'web'): readonly number[] {
  return ports === 'web' ? WEB_PORTS : ports;
}

function isHostOf(rule: HostRule, { kind, host }: NetworkHost): boolean {
  if (rule.kind === 'subdomains') return kind === 'name' && host.endsWith(`.${rule.host}`);
  return rule.kind === kind && rule.host === host;
}

import { isIP } from 'node:net';
import type { AllowedHost } from '../../../config/network-settings.ts';
import type { NetworkPolicy } from '../../protocol.ts';
import { normalizeHost } from '../../../config/host-name.ts';
import { isPublicAddress } from './address.ts';

/** A host and port that an agent asks for, in their one spelling. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** What a destination gets, before its name is resolved. */
export type Verdict =
  | { readonly kind: 'refused'; readonly reason: string }
  /** Every address that the name resolves to has to be one of the whole internet, unless the deployment has named the host. */
  | { readonly kind: 'allowed'; readonly isNamed: boolean };

/** Decides whether agents may connect to a destination. */
export function judge({ network, allowedHosts }: NetworkPolicy, destination: Destination): Verdict {
  if (network === 'none') return { kind: 'refused', reason: 'agents have no network (CHIRON_SANDBOX_NETWORK=none)' };
  const isNamed = allowedHosts.some((rule) => matches(rule, destination));
  if (network === 'allowlist' && !isNamed)
    return { kind: 'refused', reason: 'CHIRON_SANDBOX_ALLOWED_HOSTS does not name it' };
  const isWildcard = allowedHosts.every((rule) => !matches(rule, destination) || rule.host.startsWith('*.'));
  if (isIP(destination.host) !== 0 && !isNamed && !isPublicAddress(destination.host)) {
    return { kind: 'refused', reason: PRIVATE };
  }
  // A wildcard names no host: whoever owns a name below it could lead it into the deployment's own network.
  return { kind: 'allowed', isNamed: isNamed && !isWildcard };
}

/** Why a name that is allowed is refused once it is resolved; `undefined` if all of its addresses are in order. */
export function judgeAddresses(
  { isNamed }: { readonly isNamed: boolean },
  addresses: readonly string[],
): string | undefined {
  return isNamed || addresses.every(isPublicAddress) ? undefined : PRIVATE;
}

const PRIVATE = 'it is a private address, which CHIRON_SANDBOX_ALLOWED_HOSTS does not name';

/** Parses the target of CONNECT (RFC 9110, 9.3.6): a host and a port, both required. `undefined` for anything else. */
export function parseAuthority(text: string): Destination | undefined {
  const [, name = '', port = ''] = /^(\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(text) ?? [];
  return toDestination(name, Number(port));
}

/** The destination of an absolute `http:` URL; `undefined` for another scheme, and for one with a user. */
export function parseProxiedUrl(text: string): (Destination & { readonly url: URL }) | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' || url.username !== '' || url.password !== '') return undefined;
  const destination = toDestination(url.hostname, url.port === '' ? 80 : Number(url.port));
  return destination === undefined ? undefined : { ...destination, url };
}

function toDestination(name: string, port: number): Destination | undefined {
  const host = normalizeHost(name);
  return host === undefined || !(port >= 1 && port <= 65_535) ? undefined : { host, port };
}

function matches(rule: AllowedHost, { host, port }: Destination): boolean {
  const isPort = rule.port === '*' || (rule.port === undefined ? port === 80 || port === 443 : rule.port === port);
  return isPort && (rule.host.startsWith('*.') ? host.endsWith(rule.host.slice(1)) : host === rule.host);
}

import { getCACertificates } from 'node:tls';

/** The certificates of the authorities that this machine trusts, as PEM: the system's, Node's own, and those of `NODE_EXTRA_CA_CERTS`. */
export function listTrustedRoots(): readonly string[] {
  const kinds = ['system', 'bundled', 'extra'] as const;
  return [...new Set(kinds.flatMap((kind) => getCACertificates(kind)).map((root) => root.trim()))];
}

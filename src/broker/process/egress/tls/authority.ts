// The library's container of classes needs it.
import 'reflect-metadata';
import { randomBytes, type webcrypto, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import * as x509 from '@peculiar/x509';
import type { NetworkHost } from '../../../../domain/host-rule.ts';

/** A certificate authority: a certificate and its private key, both PEM. Never log the key. */
export interface CertificateAuthority {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** Below the 825 days that Apple's verifier allows for a server's certificate. */
const HOST_DAYS = 90;
const CONTEXT_MS = 30 * DAY_MS;
/** A wildcard in the list of credentials stands for any number of names. */
const MAX_CONTEXTS = 500;
const KEYS = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** Makes a certificate authority, which is valid for ten years. */
export async function makeAuthority(): Promise<CertificateAuthority> {
  const keys = await makeKeys();
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(AUTHORITY_DAYS),
    // The suffix tells the authorities of two deployments apart.
    name: `CN=Chiron ${randomBytes(4).toString('hex')}`,
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: cert.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** Makes the certificate of a host, signed by the authority. */
export async function makeHostCertificate(
  authority: CertificateAuthority,
  { kind, host }: NetworkHost,
): Promise<CertificateAuthority> {
  const issuer = new x509.X509Certificate(authority.cert);
  const keys = await makeKeys();
  const cert = await x509.X509CertificateGenerator.create({
    ...validity(HOST_DAYS),
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: SIGNATURE,
    // Without a subject the alternative name is critical (RFC 5280, section 4.2.1.6).
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: kind === 'name' ? 'dns' : 'ip', value: host }], true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: cert.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** Whether an authority can sign certificates for another 90 days. */
export function isLasting({ cert }: CertificateAuthority): boolean {
  return Date.parse(new X509Certificate(cert).validTo) > Date.now() + HOST_DAYS * DAY_MS;
}

/** Makes TLS contexts for hosts on demand, and keeps those that were used last. */
export class HostContexts {
  private readonly contexts = new Map<string, { readonly context: Promise<SecureContext>; readonly since: number }>();

  private readonly authority: CertificateAuthority;

  constructor(authority: CertificateAuthority) {
    this.authority = authority;
  }

  /** The context of a server that clients take for `host` if they trust the authority. */
  find(host: NetworkHost): Promise<SecureContext> {
    const known = this.contexts.get(host.host);
    this.contexts.delete(host.host);
    const isFresh = known !== undefined && Date.now() - known.since < CONTEXT_MS;
    const entry = isFresh ? known : { context: this.make(host), since: Date.now() };
    this.contexts.set(host.host, entry);
    const [oldest] = this.contexts.keys();
    if (oldest !== undefined && this.contexts.size > MAX_CONTEXTS) this.contexts.delete(oldest);
    return entry.context;
  }

  private async make(host: NetworkHost): Promise<SecureContext> {
    return createSecureContext(await makeHostCertificate(this.authority, host));
  }
}

function validity(days: number) {
  return {
    serialNumber: `00${randomBytes(16).toString('hex')}`,
    // The clock of a client may be behind.
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + days * DAY_MS),
  };
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await crypto.subtle.generateKey(KEYS, true, ['sign', 'verify']);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return await crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), KEYS, false, ['sign']);
}

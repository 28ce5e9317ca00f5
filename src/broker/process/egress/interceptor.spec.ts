import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllowedHosts } from '../../../config/allowed-hosts.js';
import type { ToolCredential } from '../../../domain/tool-credential.js';
import { createEgress, type Egress } from './egress.js';
import { type CertificateAuthority, makeAuthority, makeHostCertificate } from './tls/authority.js';
import { loadAuthority, writeCaBundle } from './tls/authority-files.js';

const SECRET = 'what-no-agent-holds';

let folder: string;
let upstreamAuthority: CertificateAuthority;
let authority: CertificateAuthority;
let egress: Egress | undefined;
let port: number;
const seen: (IncomingHttpHeaders & { readonly url?: string })[] = [];
const closing: (() => void)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-intercept-'));
  upstreamAuthority = await makeAuthority();
  authority = await loadAuthority(join(folder, 'authority'));
  const upstream = createHttpsServer(await makeHostCertificate(upstreamAuthority, { kind: 'name', host: 'git.corp' }));
  upstream.on('request', (request, response) => {
    seen.push({ ...request.headers, ...(request.url === undefined ? {} : { url: request.url }) });
    response.end('of the host');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  port = (upstream.address() as AddressInfo).port;
  closing.push(() => (upstream.close(), upstream.closeAllConnections()));
});

afterEach(() => {
  egress?.close();
  for (const close of closing.splice(0)) close();
  seen.splice(0);
  rmSync(folder, { recursive: true, force: true });
});

async function startProxy(
  credential: Partial<ToolCredential> = {},
  trustedRoots = [upstreamAuthority.cert],
): Promise<number> {
  const parsed = parseAllowedHosts(`git.corp:${port},other.corp:${port}`);
  if (!('value' in parsed)) throw new Error(parsed.expected);
  egress = createEgress({
    network: 'allowlist',
    allowedHosts: parsed.value,
    credentials: [
      {
        host: { kind: 'name', host: 'git.corp', ports: [port] },
        form: { kind: 'bearer', secret: { kind: 'value', value: SECRET } },
        paths: [],
        methods: [],
        ...credential,
      },
    ],
    ca: authority,
    onRefused: () => undefined,
    resolve: () => Promise.resolve(['127.0.0.1']),
    trustedRoots,
  });
  const started = egress;
  const server = createHttpServer();
  server.on('connect', (request, socket, head) => started.handleConnect(request, socket, head, 'one'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => (server.close(), server.closeAllConnections()));
  return (server.address() as AddressInfo).port;
}

function connect(proxyPort: number, authorityText: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port: proxyPort, method: 'CONNECT', path: authorityText });
    request.once('connect', (response, socket: Socket) =>
      response.statusCode === 200 ? resolve(socket) : reject(new Error(String(response.statusCode))),
    );
    request.once('error', reject);
    request.end();
  });
}

async function ask(
  proxyPort: number,
  host: string,
  ca: string,
  path = '/',
  headers: Readonly<Record<string, string>> = {},
) {
  const socket = await connect(proxyPort, `${host}:${port}`);
  return new Promise<string>((resolve, reject) => {
    const secure = connectTls({ socket, servername: host, ca });
    secure.once('error', reject);
    secure.once('secureConnect', () => {
      const headersWithHost = { host: `${host}:${port}`, ...headers };
      const request = httpRequest({ createConnection: () => secure, path, headers: headersWithHost });
      request.once('response', (response) => {
        void text(response).then((body) => resolve(`${String(response.statusCode)} ${body}`));
      });
      request.once('error', reject);
      request.end();
    });
  });
}

describe('a host with a credential', () => {
  it('gets it in the place of what the agent sends, and the agent trusts the deployment’s authority', async () => {
    const proxyPort = await startProxy();
    const answer = await ask(proxyPort, 'git.corp', authority.cert, '/a?b', { authorization: 'Bearer of-the-agent' });
    expect(answer).toBe('200 of the host');
    expect(seen).toMatchObject([{ authorization: `Bearer ${SECRET}`, url: '/a?b', host: `git.corp:${port}` }]);
  });

  it('gets it for the listed paths only, however a path is written', async () => {
    const proxyPort = await startProxy({ paths: ['/org/'] });
    for (const path of ['/org/repo', '/other', '/org/../other', '/org/%2e%2e/other', '/organization']) {
      await ask(proxyPort, 'git.corp', authority.cert, path);
    }
    expect(seen.map(({ authorization }) => authorization)).toEqual([
      `Bearer ${SECRET}`,
      ...[undefined, undefined, undefined, undefined],
    ]);
  });

  it('gets nothing when its certificate is not one that the server trusts', async () => {
    const proxyPort = await startProxy({}, [authority.cert]);
    expect(await ask(proxyPort, 'git.corp', authority.cert)).toMatch(/^502 .*no certificate for this name/);
    expect(seen).toEqual([]);
  });
});

it('leaves the TLS of other hosts alone, which get no credential', async () => {
  const proxyPort = await startProxy();
  await expect(ask(proxyPort, 'other.corp', authority.cert)).rejects.toThrow(/certificate/);
  expect(seen).toEqual([]);
});

it('keeps the key of the authority for the server, and lets agents read who may sign', async () => {
  const file = join(folder, 'bundle.pem');
  await writeCaBundle(file, authority);
  expect(statSync(join(folder, 'authority', 'authority.pem')).mode & 0o777).toBe(0o600);
  expect(statSync(file).mode & 0o777).toBe(0o644);
  expect(readFileSync(file, 'utf8')).toContain(authority.cert.trim().split('\n')[1]);
  expect(readFileSync(file, 'utf8')).not.toContain('PRIVATE KEY');
  expect(await loadAuthority(join(folder, 'authority'))).toEqual({
    cert: authority.cert.trim(),
    key: authority.key.trim(),
  });
});

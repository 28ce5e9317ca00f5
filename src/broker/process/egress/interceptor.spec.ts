import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import {
  allow,
  bearerFor,
  closeServer,
  listen,
  makeHttpsServer,
  openTunnel,
  run,
  startProxy,
  type TestProxy,
} from '../../../../test/support/egress-proxy.js';
import { type CertificateAuthority, makeAuthority } from './tls/authority.js';
import { writeCaBundle } from './tls/authority-files.js';
import { toCaVariables } from './tls/ca-variables.js';

const HOST = 'tools.corp';
const folder = mkdtempSync(join(tmpdir(), 'chiron-egress-'));
const bundle = join(folder, 'bundle.pem');
afterAll(() => rmSync(folder, { recursive: true }));

let ours: CertificateAuthority;
let theirs: CertificateAuthority;
let upstream: Server;
let port: number;
let proxy: TestProxy;
let connections: number;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  [ours, theirs] = await Promise.all([makeAuthority(), makeAuthority()]);
  await writeCaBundle(bundle, ours);
});

beforeEach(async () => {
  connections = 0;
  answer = (request, response) => void response.end(JSON.stringify({ url: request.url, ...request.headers }));
  upstream = await makeHttpsServer(theirs, HOST, (request, response) => answer(request, response));
  upstream.on('secureConnection', () => (connections += 1));
  port = await listen(upstream);
  proxy = await start();
});

afterEach(async () => {
  await proxy.close();
  await closeServer(upstream);
});

/** A proxy that puts a token into requests for the host. */
function start(options: Parameters<typeof startProxy>[0] = {}): Promise<TestProxy> {
  const credentials = [bearerFor(HOST, port)];
  return startProxy({
    allowedHosts: allow(`${HOST}:*`),
    ca: ours,
    trustedRoots: [theirs.cert],
    credentials,
    ...options,
  });
}

async function restart(options: Parameters<typeof startProxy>[0]): Promise<void> {
  await proxy.close();
  proxy = await start(options);
}

/** The variables of an agent's commands. */
function environment(): Readonly<Record<string, string>> {
  return { ...toCaVariables(bundle), https_proxy: proxy.url, HTTPS_PROXY: proxy.url };
}

function curl(...args: readonly string[]) {
  return run('curl', ['-s', ...args], environment());
}

const url = (path: string) => `https://${HOST}:${port}${path}`;

describe('A host with a credential', () => {
  it('gets it from curl, instead of what the client sent, and under its own name', async () => {
    const headers = ['-H', 'authorization: Bearer mine', '-H', 'host: evil.corp', '-H', 'x-other: 1', '--data', 'x=y'];
    const { output } = await curl(...headers, url('/path?q'));
    expect(JSON.parse(output)).toMatchObject({
      url: '/path?q',
      authorization: 'Bearer the-secret',
      host: `${HOST}:${port}`,
      'x-other': '1',
      'content-length': '3',
    });
  });

  it('keeps its connection for the next requests of a client', async () => {
    const { output } = await curl(url('/1'), url('/2'), url('/3'));
    expect(output.match(/the-secret/g)).toHaveLength(3);
    expect(connections).toBe(1);
  });

  it('is left when the client leaves', async () => {
    let open = 0;
    upstream.on('secureConnection', (socket: Socket) => {
      open += 1;
      socket.on('close', () => (open -= 1));
    });
    await curl(url('/'));
    expect(connections).toBe(1);
    await eventually(() => open).toBe(0);
    const { socket } = await openTunnel(proxy, `${HOST}:${port}`);
    const secure = connect({ socket, servername: HOST, ca: [ours.cert] });
    secure.on('error', () => {});
    secure.write(`GET / HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(secure, 'data');
    expect(open).toBe(1);
    await proxy.close();
    await eventually(() => open).toBe(0);
    proxy = await start();
  });

  it('gets large bodies, and answers with large ones', async () => {
    const file = join(folder, 'large');
    writeFileSync(file, 'x'.repeat(5_000_000));
    answer = (request, response) => void request.pipe(response);
    const { output } = await curl('-T', file, '-o', join(folder, 'echo'), '-w', '%{size_download}', url('/'));
    expect(output).toBe('5000000');
  });

  it('does not get it for TRACE, whose answer would show it', async () => {
    const { output } = await curl('-X', 'TRACE', url('/'));
    expect(output).toContain('Chiron refuses TRACE');
  });

  it('does not get it in other paths, for other methods, and in tunnels to other names of it', async () => {
    await restart({
      allowedHosts: allow(`${HOST}:*,other.corp:*`),
      credentials: [{ ...bearerFor(HOST, port), paths: ['/org/'], methods: ['GET'] }],
    });
    const sent = ['-H', 'authorization: mine'];
    expect((await curl(...sent, url('/org/x'))).output).toContain('the-secret');
    expect((await curl(...sent, url('/organization'))).output).toContain('"authorization":"mine"');
    expect((await curl(...sent, '--path-as-is', url('/org/../x'))).output).toContain('"authorization":"mine"');
    expect((await curl(...sent, '--data', '', url('/org/x'))).output).toContain('"authorization":"mine"');
    const other = await curl('-k', '-H', `host: ${HOST}`, `https://other.corp:${port}/org/x`);
    expect(other.output).not.toContain('the-secret');
    expect(other.output).toContain(HOST);
  });

  it('gets a rotated secret with the next request', async () => {
    const path = join(folder, 'token');
    writeFileSync(path, 'first\n');
    await restart({
      credentials: [{ ...bearerFor(HOST, port), form: { kind: 'basic', user: 'ci', secret: { kind: 'file', path } } }],
    });
    const encoded = (secret: string) => `Basic ${Buffer.from(`ci:${secret}`).toString('base64')}`;
    expect((await curl(url('/'))).output).toContain(encoded('first'));
    writeFileSync(path, 'second\n');
    expect((await curl(url('/'))).output).toContain(encoded('second'));
    rmSync(path);
    expect((await curl(url('/'))).output).toBe(`Chiron cannot read the credential for ${HOST}:${port}\n`);
  });

  it('gets none if nobody that the server trusts says that it is the host', async () => {
    await restart({ trustedRoots: [ours.cert] });
    const { output } = await curl(url('/'));
    expect(output).toBe(`${HOST}:${port} has no certificate for this name that the server trusts\n`);
    await restart({ allowedHosts: allow('*.corp:*,127.0.0.1:*'), credentials: [bearerFor('wrong.corp', port)] });
    expect((await curl(`https://wrong.corp:${port}/`)).output).toBe('');
    await restart({ allowedHosts: allow('wrong.corp:*'), credentials: [bearerFor('wrong.corp', port)] });
    expect((await curl(`https://wrong.corp:${port}/`)).output).toContain('has no certificate for this name');
    expect(connections).toBe(0);
  });

  it('cannot be asked for another target within its tunnel', async () => {
    const { socket } = await openTunnel(proxy, `${HOST}:${port}`);
    const secure = connect({ socket, servername: HOST, ca: [ours.cert] });
    secure.write(`GET http://evil.corp/ HTTP/1.1\r\nHost: evil.corp\r\n\r\n`);
    expect(await text(secure)).toMatch(/^HTTP\/1\.1 400/);
  });
});

describe('The programs of an agent use a credential that they do not hold', () => {
  it('git clones from the https URL that it also stores', async () => {
    const repository = join(folder, 'repository');
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example'];
    await run('git', ['init', '-q', repository]);
    await run('git', ['-C', repository, ...identity, 'commit', '-q', '--allow-empty', '-m', 'First']);
    await run('git', ['-C', repository, 'update-server-info']);
    answer = (request, response) => {
      if (request.headers.authorization !== 'Bearer the-secret') return void response.writeHead(401).end();
      try {
        response.end(readFileSync(join(repository, '.git', (request.url ?? '').replace(/^\/org\/a\.git|\?.*$/g, ''))));
      } catch {
        response.writeHead(404).end();
      }
    };
    const clone = join(folder, 'clone');
    const cloned = await run('git', ['clone', url('/org/a.git'), clone], {
      ...environment(),
      GIT_TERMINAL_PROMPT: '0',
    });
    expect(cloned).toMatchObject({ code: 0 });
    expect((await run('git', ['-C', clone, 'log', '--format=%s'])).output).toBe('First\n');
    expect(readFileSync(join(clone, '.git/config'), 'utf8')).toContain(`url = ${url('/org/a.git')}`);
  });

  it('git prints the status of a refusal', async () => {
    const cloned = await run('git', ['clone', 'https://other.corp/a.git', join(folder, 'none')], environment());
    expect(cloned.output).toContain('403');
  });

  it('npm reads a registry, under its own address', async () => {
    const version = { name: 'tool', version: '1.2.3', dist: { tarball: url('/tool/-/tool-1.2.3.tgz'), shasum: 'x' } };
    answer = (request, response) => {
      const isKnown = request.headers.authorization === 'Bearer the-secret';
      response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ name: 'tool', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': version } }));
    };
    const args = ['view', 'tool', 'version', 'dist.tarball', '--registry', url('/'), '--cache', join(folder, 'npm')];
    const viewed = await run('npm', args, { ...environment(), npm_config_userconfig: join(folder, 'npmrc') });
    expect(viewed.output).toContain('1.2.3');
    expect(viewed.output).toContain(url('/tool/-/tool-1.2.3.tgz'));
  });

  it('Python verifies the certificate strictly', async () => {
    const program = `import ssl, urllib.request
context = ssl.create_default_context()
context.verify_flags |= ssl.VERIFY_X509_STRICT
print(urllib.request.urlopen("${url('/')}", context=context).read().decode())`;
    expect((await run('python3', ['-c', program], environment())).output).toContain('Bearer the-secret');
  });
});

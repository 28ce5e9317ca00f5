import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

/** A package of the registry: its files besides `package.json`, by path. */
export interface RegistryPackage {
  readonly name: string;
  readonly version: string;
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, string>>;
  /** Whether its checksum is that of something else, as when it was changed on its way. */
  readonly isTampered?: boolean;
}

/** A registry on this machine that npm installs from. */
export interface NpmRegistry {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a registry with these packages. `folder` is for its archives. */
export async function startNpmRegistry(folder: string, packages: readonly RegistryPackage[]): Promise<NpmRegistry> {
  const archives = new Map(packages.map((one) => [one.name, pack(folder, one)]));
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    const [name = '', file] = path.split('/-/');
    const found = packages.find((one) => one.name === name);
    const archive = archives.get(name);
    if (found === undefined || archive === undefined) {
      response.writeHead(404).end('{}');
    } else if (file !== undefined) {
      response.end(archive);
    } else {
      const content = found.isTampered === true ? Buffer.from('something else') : archive;
      const dist = {
        tarball: `http://${request.headers.host}/${name}/-/archive.tgz`,
        integrity: `sha512-${createHash('sha512').update(content).digest('base64')}`,
      };
      const version = { name, version: found.version, ...found.manifest, dist };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ name, 'dist-tags': { latest: found.version }, versions: { [found.version]: version } }),
      );
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function pack(folder: string, { name, version, manifest, files }: RegistryPackage): Buffer {
  const source = join(folder, name.replaceAll('/', '-'));
  const all = { ...files, 'package.json': JSON.stringify({ name, version, ...manifest }) };
  for (const [path, text] of Object.entries(all)) {
    const file = join(source, 'package', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  execFileSync('tar', ['czf', `${source}.tgz`, '-C', source, 'package']);
  return readFileSync(`${source}.tgz`);
}

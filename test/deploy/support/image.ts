import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// Images are built and run without a daemon, a registry or root's storage: buildah, podman and runc are packages of Debian, and the base images
// are made of Debian's packages and of the Node that this project installs.

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAMS = ['buildah', 'podman', 'runc', 'mmdebstrap'];
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Why no image can be built here; `undefined` if it can. */
export function findImageProblem(): string | undefined {
  if (process.env['CHIRON_TEST_IMAGE'] !== '1')
    return 'it takes minutes; ask for it with npm run test:deploy -- --full';
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'images are built by root on Linux';
  const missing = PROGRAMS.filter((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status !== 0);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`;
}

/** A place for images and containers of a test, in a folder that is removed at its end. */
export class Images {
  readonly #storage: readonly string[];

  constructor(private readonly folder: string) {
    this.#storage = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
    mkdirSync(folder, { recursive: true });
  }

  async buildah(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('buildah', [...this.#storage, ...args], { cwd: ROOT, maxBuffer: MAX_OUTPUT_BYTES });
    return stdout.trim();
  }

  /** Rejects when the command fails, with what it printed. */
  async podman(...args: readonly string[]): Promise<string> {
    const options = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--runtime', 'runc'];
    const { stdout, stderr } = await run('podman', [...this.#storage, ...options, ...args], {
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return args[0] === 'logs' ? stdout + stderr : stdout.trim();
  }

  /** Makes what stands in for Debian's slim image and for Node's, under their names. */
  async makeBases(): Promise<void> {
    const tar = join(this.folder, 'base.tar');
    const left = ['man', 'doc', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
    const sources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].filter((file) =>
      existsSync(file),
    );
    await run('mmdebstrap', [
      '--variant=minbase',
      '--include=ca-certificates',
      ...left,
      'bookworm',
      tar,
      ...sources.slice(0, 1),
    ]);
    const debian = await this.buildah('from', 'scratch');
    await this.buildah('add', '-q', debian, tar, '/');
    await this.buildah('commit', '-q', debian, 'docker.io/library/debian:bookworm-slim');
    const npm = join(execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim(), 'npm');
    const modules = '/usr/local/lib/node_modules/npm';
    await this.buildah('copy', '-q', '--chmod', '755', debian, nodeProgram(), '/usr/local/bin/node');
    await this.buildah('copy', '-q', debian, npm, modules);
    const links = ['npm', 'npx'].map(
      (name) => `ln -s ../lib/node_modules/npm/bin/${name}-cli.js /usr/local/bin/${name}`,
    );
    await this.buildah('run', '--isolation=chroot', debian, '--', 'sh', '-c', links.join(' && '));
    await this.buildah('commit', '-q', '--rm', debian, 'docker.io/library/node:24-bookworm-slim');
    rmSync(tar);
  }

  /** Builds a target of deploy/Dockerfile. */
  async build(target: string, tag: string): Promise<void> {
    await this.buildah(
      ...['bud', '--isolation=chroot', '--network', 'host', '--pull-never', '--layers=false', '--format', 'docker'],
      ...this.machineTrust(),
      ...['-f', 'deploy/Dockerfile', '--target', target, '-t', tag, '.'],
    );
  }

  /** Whether an image is here already. */
  async has(tag: string): Promise<boolean> {
    return (await this.podman('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n').includes(tag);
  }

  /** Size of an image in bytes. */
  async size(tag: string): Promise<number> {
    return Number(await this.podman('image', 'inspect', tag, '--format', '{{.Size}}'));
  }

  async remove(): Promise<void> {
    await this.podman('rm', '--all', '--force', '--time', '0');
    await this.buildah('rm', '--all');
    await this.buildah('rmi', '--all', '--force');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The certificate authorities and the registry of this machine, for the time of the build: it may be behind a company's proxy. */
  private machineTrust(): readonly string[] {
    const config = execFileSync('npm', ['config', 'get', 'globalconfig'], { encoding: 'utf8', cwd: '/' }).trim();
    const mounts = ['/etc/ssl/certs', '/usr/local/share/ca-certificates'].map((path) => `${path}:${path}:ro`);
    const npmrc = ['/usr/local/etc/npmrc', config].find((file) => existsSync(file));
    if (npmrc !== undefined) mounts.push(`${npmrc}:/usr/local/etc/npmrc:ro`);
    return mounts.flatMap((mount) => ['-v', mount]);
  }
}

function nodeProgram(): string {
  return join(dirname(createRequire(join(ROOT, 'package.json')).resolve('node/package.json')), 'bin/node');
}

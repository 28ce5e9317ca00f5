import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { VERSION } from '../../src/version.js';
import { Container, HARDENED, outputOf } from './support/container.js';
import { findImageProblem, Images } from './support/image.js';

// The image is built and run as a cluster would run it: a read-only root, no capabilities, an ordinary user.

const problem = findImageProblem();
if (problem !== undefined) console.log(`The image is neither built nor run: ${problem}.`);

const SECCOMP = fileURLToPath(new URL('../../deploy/seccomp/bubblewrap.json', import.meta.url));
const IMAGE = 'localhost/chiron:test';
const MAX_IMAGE_BYTES = 450_000_000;
vi.setConfig({ testTimeout: 240_000 });

describe.runIf(problem === undefined)('The image', () => {
  // Images of an earlier run are used again where a folder is named to keep them in.
  const kept = process.env['CHIRON_TEST_IMAGE_STORE'];
  const images = new Images(kept ?? join(tmpdir(), `chiron-images-${process.pid}`));
  const container = new Container(images, IMAGE, 'chiron-test');

  beforeAll(async () => {
    if (await images.has(IMAGE)) return;
    await images.makeBases();
    await images.build('runtime', IMAGE);
  });
  afterEach(async () => {
    await images.podman('rm', '--force', '--ignore', '--time', '0', container.name);
  });
  afterAll(async () => (kept === undefined ? images.remove() : undefined));

  it('is small, names its version in a label, and lists what is in it', async () => {
    expect(await images.size(IMAGE)).toBeLessThan(MAX_IMAGE_BYTES);
    const run = (...args: readonly string[]): Promise<string> =>
      images.podman('run', '--rm', ...HARDENED, '--entrypoint', args[0] ?? '', IMAGE, ...args.slice(1));
    const bill = JSON.parse(await run('cat', '/app/sbom.cdx.json')) as {
      readonly components: readonly { readonly name: string; readonly version: string }[];
    };
    const installed = await run(
      ...['find', '/app/node_modules', '-regextype', 'posix-extended'],
      ...['-regex', '/app(/node_modules/(@[^/]+/)?[^/@]+)+/package.json'],
      ...[
        '-exec',
        'node',
        '-p',
        'process.argv.slice(1).map((f) => require(f)).map((p) => p.name + "@" + p.version).join("\\n")',
        '{}',
        '+',
      ],
    );
    const listed = new Set(bill.components.map(({ name, version }) => `${name}@${version}`));
    const packages = installed.split('\n');
    expect(packages).toContainEqual(expect.stringMatching(/^@nestjs\/core@/));
    expect(packages.filter((each) => !listed.has(each))).toEqual([]);
    expect(await run('chiron', '--version')).toBe(VERSION);
    expect(await images.podman('image', 'inspect', IMAGE, '--format', '{{.User}} {{.Config.Labels}}')).toMatch(
      /^1000 .*org\.opencontainers\.image\.licenses:Apache-2\.0/,
    );
  });

  it('answers a turn with a tool as user 1000, says which sandbox holds, is healthy, and drains at SIGTERM', async () => {
    await container.start();
    const answer = await container.ask(
      '!id -u; touch /usr/x; grep -E "CapEff|NoNewPrivs" /proc/self/status; git --version',
    );
    expect(answer.stop_reason).toBe('end_turn');
    expect(outputOf(answer)).toMatch(/^1000\n.*Read-only file system\nCapEff:\t0+\nNoNewPrivs:\t1\ngit version /);
    expect(await container.logs()).toMatch(/^ {2}sandbox +(bubblewrap|landlock): /m);
    await images.podman('healthcheck', 'run', container.name);
    // The first process is an init, and no turn is cut off by the stop of its container.
    expect(await images.podman('exec', container.name, 'cat', '/proc/1/comm')).toBe('tini');
    const last = container.ask('!touch begun; sleep 3; echo ended well');
    const begun = (): Promise<string> => images.podman('exec', container.name, 'find', '/data', '-name', 'begun');
    await expect.poll(begun, { timeout: 60_000, interval: 500 }).toContain('begun');
    await images.podman('stop', '--time', '60', container.name);
    expect(outputOf(await last)).toContain('ended well');
    expect(await images.podman('inspect', container.name, '--format', '{{.State.ExitCode}}')).toBe('0');
  });

  it('runs agents in namespaces of their own, as any user, where the profile and an unmasked /proc allow it', async () => {
    const allowed = ['--security-opt', `seccomp=${SECCOMP}`, '--security-opt', 'unmask=ALL'];
    await container.start(['--user', '123456', ...allowed]);
    expect(await container.logs()).toMatch(/^ {2}sandbox +bubblewrap: own namespaces/m);
    expect(outputOf(await container.ask('!hostname; echo hi > file && cat file'))).toBe('sandbox\nhi');
  });

  it('does not start without keys, and says what to set', async () => {
    const run = images.podman('run', '--rm', ...HARDENED, IMAGE);
    await expect(run).rejects.toThrow(/CHIRON_API_KEYS: is required when HOST is not a loopback address/);
  });
});

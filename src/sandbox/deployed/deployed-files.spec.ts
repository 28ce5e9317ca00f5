import { execFileSync } from 'node:child_process';
import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThreadFiles } from '../files/thread-files.js';
import { lockFile } from './deployed-files.js';

const USER = 20_017;
const PATH = 'home/.agent/config';

// Only root can keep a file from the owner of the folder that it is in.
describe.skipIf(process.getuid?.() !== 0)('a locked file', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'chiron-locked-'));
    mkdirSync(join(root, 'home', '.agent'), { recursive: true });
    for (const path of ['', 'home', 'home/.agent']) chownSync(join(root, path), USER, USER);
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** What a command of the thread's user prints. */
  const command = (script: string) =>
    execFileSync('setpriv', ['--reuid', `${USER}`, '--regid', `${USER}`, '--clear-groups', 'sh', '-c', script], {
      cwd: join(root, 'home'),
      encoding: 'utf8',
      stdio: 'pipe',
    });

  it('is read by the thread’s user, who cannot change, replace or remove it, nor move a folder above it', async () => {
    await lockFile(root, PATH, 'of the deployment');
    expect(command('cat .agent/config')).toBe('of the deployment');
    for (const attack of [
      'echo planted >> .agent/config',
      'rm -f .agent/config',
      'mv .agent/config .agent/other',
      'echo planted > x; mv -f x .agent/config',
      'chmod 777 .agent/config',
      'mv .agent .other',
      'rm -rf .agent',
      'chmod 700 .agent',
    ]) {
      expect([attack, command(`(${attack}) 2>/dev/null && echo done || echo refused`)]).toEqual([attack, 'refused\n']);
    }
    expect(readFileSync(join(root, PATH), 'utf8')).toBe('of the deployment');
  });

  it('leaves the folders to the user for everything else', async () => {
    await lockFile(root, PATH, 'of the deployment');
    command('echo one > .agent/own; mv .agent/own .agent/renamed; rm .agent/renamed; mkdir -p .agent/sub .other');
    expect(lstatSync(join(root, 'home', '.agent', 'sub')).uid).toBe(USER);
    const files = new ThreadFiles(root);
    await files.makeFolder('home/.agent');
    await files.write('home/.agent/record', 'of the thread');
    expect(command('echo more >> .agent/record; cat .agent/record')).toBe('of the threadmore\n');
    expect(command('(rm -f .agent/config) 2>/dev/null || echo refused')).toBe('refused\n');
  });

  it.each<[string, (path: string) => unknown]>([
    ['another text', (path) => writeFileSync(path, 'planted')],
    ['a link', (path) => symlinkSync('/etc/hosts', path)],
    ['a folder', (path) => mkdirSync(join(path, 'sub'), { recursive: true })],
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['the same text of the user', (path) => (writeFileSync(path, 'of the deployment'), chownSync(path, USER, USER))],
  ])('takes the place of %s', async (_, plant) => {
    plant(join(root, PATH));
    await lockFile(root, PATH, 'of the deployment');
    const { uid, gid, mode } = lstatSync(join(root, PATH));
    expect([uid, gid, mode & 0o777]).toEqual([0, USER, 0o640]);
    expect(readFileSync(join(root, PATH), 'utf8')).toBe('of the deployment');
  });

  it('does not follow a link in the place of a folder', async () => {
    rmSync(join(root, 'home', '.agent'), { recursive: true });
    mkdirSync(join(root, 'elsewhere'));
    symlinkSync('../elsewhere', join(root, 'home', '.agent'));
    await lockFile(root, PATH, 'of the deployment');
    expect(lstatSync(join(root, 'home', '.agent')).isDirectory()).toBe(true);
    expect(lstatSync(join(root, 'elsewhere')).gid).toBe(0);
  });

  it('is an ordinary one where the thread has no user of its own', async () => {
    for (const path of ['', 'home', 'home/.agent']) chownSync(join(root, path), 0, 0);
    await lockFile(root, PATH, 'of the deployment');
    const { uid, mode } = lstatSync(join(root, PATH));
    expect([uid, mode & 0o777, lstatSync(join(root, 'home')).mode & 0o1000]).toEqual([0, 0o600, 0]);
  });
});

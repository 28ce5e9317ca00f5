import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserClaims } from './user-claims.js';

describe.skipIf(process.platform !== 'linux')('the user ids that a server claims', () => {
  let folder: string;
  const warnings: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chiron-claims-'));
    warnings.length = 0;
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const server = (id: string, folders: readonly string[] = [folder]) =>
    new UserClaims(id, (text) => void warnings.push(text), folders);

  it('are no other server’s until they are given back', () => {
    const [one, other] = [server('one'), server('other')];
    expect([one.claim(20_000), one.claim(20_000), other.claim(20_000), other.claim(20_001)]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    one.release(20_000);
    expect(other.claim(20_000)).toBe(true);
    other.close();
    expect([one.claim(20_000), one.claim(20_001)]).toEqual([true, true]);
    one.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('are free again once the server is dead, and its reaper has ended', async () => {
    writeFileSync(join(folder, '20000.999999999.123.dead'), '');
    const reaper = spawn('/bin/sh', ['-c', 'read -r line; :', 'CHIRON_SERVER=dead'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(reaper, 'spawn');
    const next = server('next');
    await expect.poll(() => next.claim(20_000)).toBe(false);
    reaper.stdin.end();
    await once(reaper, 'exit');
    expect(next.claim(20_000)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('are kept in the next folder where others may write to the first, and nowhere, with a warning, without any', () => {
    const [open, next] = [join(folder, 'open'), join(folder, 'next')];
    mkdirSync(open);
    chmodSync(open, 0o777);
    expect(server('one', [open, next]).claim(20_000)).toBe(true);
    expect([readdirSync(open).length, readdirSync(next).length, warnings.length]).toEqual([0, 1, 0]);
    expect(server('other', [open]).claim(20_000)).toBe(true);
    expect(warnings.join()).toContain('belongs to others');
  });
});

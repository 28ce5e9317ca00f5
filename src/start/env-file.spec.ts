import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnvFile } from './env-file.js';

describe(readEnvFile.name, () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chiron-env-'));
    file = join(folder, '.env');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('adds what is not set, whatever editor wrote it', () => {
    writeFileSync(file, '\uFEFFHOST="::1"\r\nPORT=9000\r\n# PORT=1\r\n');
    const variables: Record<string, string | undefined> = { PORT: '8000' };
    readEnvFile(file, variables);
    expect(variables).toEqual({ HOST: '::1', PORT: '8000' });
  });

  it('is not needed', () => expect(() => readEnvFile(file, {})).not.toThrow());

  it('says that it cannot read a folder, or a loop of links', () => {
    mkdirSync(file);
    expect(() => readEnvFile(file, {})).toThrow(/^Chiron cannot read .*EISDIR/);
    rmSync(file, { recursive: true });
    symlinkSync(file, file);
    expect(() => readEnvFile(file, {})).toThrow(/^Chiron cannot read .*ELOOP/);
  });

  it.skipIf(process.getuid?.() === 0)('says that it may not read one (root may)', () => {
    writeFileSync(file, 'HOST=x');
    chmodSync(file, 0);
    expect(() => readEnvFile(file, {})).toThrow(/^Chiron cannot read .*EACCES/);
  });
});

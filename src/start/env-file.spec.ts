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

  it('adds the variables that are not set, also from a file with a byte order mark and CRLF', () => {
    writeFileSync(file, '\uFEFFHOST="::1"\r\nPORT=9000\r\n# PORT=1\r\n');
    const variables: Record<string, string | undefined> = { PORT: '8000' };
    readEnvFile(file, variables);
    expect(variables).toEqual({ HOST: '::1', PORT: '8000' });
  });

  it('ignores a missing file', () => expect(() => readEnvFile(file, {})).not.toThrow());

  it('throws for a folder and for a loop of links', () => {
    mkdirSync(file);
    expect(() => readEnvFile(file, {})).toThrow(/^Chiron cannot read .*EISDIR/);
    rmSync(file, { recursive: true });
    symlinkSync(file, file);
    expect(() => readEnvFile(file, {})).toThrow(/^Chiron cannot read .*ELOOP/);
  });

  it.skipIf(process.getuid?.() === 0)('throws for a file that its user may not read (root may)', () => {
    writeFileSync(file, 'HOST=x');
    chmodSync(file, 0);
    expect(() => readEnvFile(file, {})).toThrow(/^Chiron cannot read .*EACCES/);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockDataFolder } from './data-folder-lock.js';
import { StorageOpenError } from './database.js';

describe(lockDataFolder.name, () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chiron-lock-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('lets one server have a data folder, and the next one when it gives it back', () => {
    const release = lockDataFolder(join(folder, 'data'));
    expect(() => lockDataFolder(join(folder, 'data'))).toThrow(/another Chiron uses it/);
    release();
    lockDataFolder(join(folder, 'data'))();
  });

  it('says why a folder cannot be used', () => {
    expect(() => lockDataFolder('/dev/null/data')).toThrow(StorageOpenError);
  });
});
